import { type Command, InvalidArgumentError } from 'commander';
import type { ShownLine } from '../admin/trace-hub.ts';
import { escapeControls } from '../observe/escape.ts';
import type { AdminClient } from './client.ts';
import type { Io } from './io.ts';
import type { Runner } from './runner.ts';
import { withServer } from './server-access.ts';
import { seconds } from './stop.ts';

interface TraceOptions {
  readonly for?: number;
  readonly count?: number;
}

/** The last stanza of `--count` is complete when nothing of it has come for this long. */
const QUIET_MS = 500;

export function addTrace(program: Command, runner: Runner): void {
  program
    .command('trace')
    .description('follow the stanzas of a user live: every hook, handler, routing module and decision')
    .argument('<jid>', 'the account')
    .option('--for <seconds>', 'end after so many seconds', seconds)
    .option('--count <stanzas>', 'end after so many stanzas', positiveInteger)
    .action((jid: string, options: TraceOptions) =>
      runner.run(async (target, io) => {
        await withServer(target, io, (client) => follow(client, jid, options, io));
        return 0;
      }),
    );
}

function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value <= 0) throw new InvalidArgumentError('expected a positive integer');
  return value;
}

async function follow(client: AdminClient, jid: string, options: TraceOptions, io: Io): Promise<void> {
  const printer = io.isJson ? jsonPrinter(io) : textPrinter(io);
  const refs = new Set<number>();
  let end!: () => void;
  const enough = new Promise<void>((resolve) => {
    end = resolve;
  });
  let quiet: NodeJS.Timeout | undefined;
  const hear = (event: unknown): void => {
    if (typeof event === 'object' && event !== null && 'started' in event) {
      io.err(`tracing ${escapeControls(String(event.started))}; Ctrl-C ends it\n`);
      return;
    }
    const line = event as ShownLine;
    const isNew = !refs.has(line.ref);
    if (isNew && refs.size === options.count) return;
    refs.add(line.ref);
    printer(line);
    if (refs.size !== options.count) return;
    clearTimeout(quiet);
    quiet = setTimeout(end, QUIET_MS);
  };
  const timer = options.for === undefined ? undefined : setTimeout(end, options.for * 1_000);
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  try {
    await Promise.race([client.request('trace', { jid }, hear), enough]);
  } finally {
    clearTimeout(timer);
    clearTimeout(quiet);
    process.off('SIGINT', end);
    process.off('SIGTERM', end);
  }
}

function jsonPrinter(io: Io): (line: ShownLine) => void {
  return (line) => io.out(`${JSON.stringify(line)}\n`);
}

const WIDTHS = { at: 10, shard: 8, step: 34, module: 22, outcome: 34, us: 9 } as const;

/** One head line for each stanza, its steps below: time since its first step, shard, step, module, outcome, time taken. */
function textPrinter(io: Io): (line: ShownLine) => void {
  const starts = new Map<number, number>();
  let last = '';
  return (line) => {
    const start = starts.get(line.ref) ?? line.timeUs;
    if (!starts.has(line.ref)) starts.set(line.ref, start);
    // Only what is going on just now needs its beginning remembered.
    if (starts.size > 10_000) starts.delete(starts.keys().next().value!);
    const indent = '  '.repeat(line.depth);
    const head = `${line.ref} ${line.depth} ${line.stanza}`;
    if (head !== last) io.out(`${line.time.slice(11, -1)} ${indent}${escapeControls(line.stanza)}\n`);
    last = head;
    const columns = [
      `+${line.timeUs - start} µs`.padStart(WIDTHS.at),
      `shard ${line.shard}`.padEnd(WIDTHS.shard),
      `${indent}${escapeControls(line.step)}`.padEnd(WIDTHS.step),
      escapeControls(line.module ?? '').padEnd(WIDTHS.module),
      escapeControls(line.outcome ?? '').padEnd(WIDTHS.outcome),
      line.us === undefined ? '' : `${line.us} µs`.padStart(WIDTHS.us),
    ];
    io.out(`${columns.join('  ').trimEnd()}\n`);
  };
}
