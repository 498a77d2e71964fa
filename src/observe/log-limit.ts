import type { LogFn, Logger } from 'pino';
import { LOG_LINES_MAX, LOG_WINDOW_MS } from '../limits.ts';

/** Kinds of lines that one log tells apart; all others count as one. What a careless module makes kinds of, a client may choose. */
const KINDS_MAX = 256;
const OTHERS = 'others';

/** pino's levels: warnings and errors may be caused by a client, again and again. What ends the process comes once. */
const WARN = 40;
const FATAL = 60;

/** Lines of one kind in the present window. */
interface Kind {
  startMs: number;
  written: number;
  suppressed: number;
}

/**
 * Limits warnings and errors, so that nobody fills the disk or stops the thread, which writes them itself, by what he sends: of each kind (its `what`, and the
 * `module` and `hook` if it names them) {@link LOG_LINES_MAX} lines are written in {@link LOG_WINDOW_MS}; of those beyond, a line `log_suppressed` tells the
 * number when that time is over. Given to pino as the hook `logMethod`; each log counts for itself, a module's apart from its shard's.
 */
export function limitedLogMethod(): (
  this: Logger,
  args: Parameters<LogFn>,
  method: LogFn,
  level: number,
) => void {
  const kindsOf = new WeakMap<Logger, Map<string, Kind>>();
  return function (args, method, level) {
    if (level >= WARN && level < FATAL) {
      let kinds = kindsOf.get(this);
      if (kinds === undefined) {
        kinds = new Map();
        kindsOf.set(this, kinds);
      }
      const name = kindOf(args, kinds);
      if (!mayWrite(kinds, name, (count) => method.apply(this, summary(name, count)))) return;
    }
    method.apply(this, args);
  };
}

function mayWrite(kinds: Map<string, Kind>, name: string, tell: (count: number) => void): boolean {
  const now = performance.now();
  let kind = kinds.get(name);
  if (kind === undefined) {
    kind = { startMs: now, written: 0, suppressed: 0 };
    kinds.set(name, kind);
  } else if (now - kind.startMs >= LOG_WINDOW_MS) endWindow(kind, now, tell);
  if (kind.written < LOG_LINES_MAX) {
    kind.written++;
    return true;
  }
  if (kind.suppressed++ === 0) {
    const current = kind;
    // Also when no other line of its kind comes.
    setTimeout(() => endWindow(current, performance.now(), tell), kind.startMs + LOG_WINDOW_MS - now).unref();
  }
  return false;
}

function endWindow(kind: Kind, now: number, tell: (count: number) => void): void {
  const { suppressed } = kind;
  if (now - kind.startMs < LOG_WINDOW_MS) return;
  kind.startMs = now;
  kind.written = kind.suppressed = 0;
  if (suppressed > 0) tell(suppressed);
}

function kindOf(args: Parameters<LogFn>, kinds: ReadonlyMap<string, Kind>): string {
  const [fields, message] = args as [unknown, unknown];
  const { what, module, hook } = (typeof fields === 'object' && fields !== null ? fields : {}) as Record<
    string,
    unknown
  >;
  const name = String(what ?? (typeof fields === 'string' ? fields : message));
  const where = hook === undefined ? name : `${name} in ${String(hook)}`;
  const kind = module === undefined ? where : `${where} of ${String(module)}`;
  return kinds.has(kind) || kinds.size < KINDS_MAX ? kind : OTHERS;
}

function summary(kind: string, count: number): Parameters<LogFn> {
  const seconds = LOG_WINDOW_MS / 1_000;
  return [{ what: 'log_suppressed', kind, count, seconds }, 'more such lines were not written'] as never;
}
