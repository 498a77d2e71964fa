import { isatty } from 'node:tty';
import pino, { type DestinationStream, type Logger, type LoggerOptions } from 'pino';
import pretty from 'pino-pretty';
import { escapeControls, escapeDeep } from './escape.ts';
import { limitedLogMethod } from './log-limit.ts';

export type { Logger } from 'pino';

/** MongooseIM's levels, and the ones they mean here. */
const LEVELS: ReadonlyMap<string, string> = new Map([
  ['none', 'silent'],
  ['emergency', 'fatal'],
  ['alert', 'fatal'],
  ['critical', 'fatal'],
  ['error', 'error'],
  ['warning', 'warn'],
  ['notice', 'info'],
  ['info', 'info'],
  ['debug', 'debug'],
  ['all', 'trace'],
]);

/** Nobody passes these to a log; should somebody do so by mistake, they are not written. */
const SECRETS = ['password', 'secret', 'credentials', 'token', 'auth', 'pass_details'];

/** What a log writes to; other than standard error only in tests. */
export interface LogOutput {
  readonly stream: DestinationStream;
  readonly isTerminal: boolean;
}

/**
 * The log of one thread: JSON lines on standard error, or readable ones when that is a terminal. Standard output stays free for the
 * readiness line. Secrets are never passed to it; nothing is logged per stanza.
 */
export function createLog(loglevel: string, thread: string, output: LogOutput = standardError()): Logger {
  return create(loglevel, thread, output, {});
}

/** The same for a thread that works for clients: how often they can cause a warning is limited, see {@link limitedLogMethod}. */
export function createLimitedLog(
  loglevel: string,
  thread: string,
  output: LogOutput = standardError(),
): Logger {
  return create(loglevel, thread, output, { logMethod: limitedLogMethod() });
}

function create(
  loglevel: string,
  thread: string,
  { stream, isTerminal }: LogOutput,
  hooks: LoggerOptions['hooks'],
): Logger {
  return pino(
    {
      level: levelOf(loglevel) ?? 'warn',
      base: isTerminal ? { thread } : { pid: process.pid, thread },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
      redact: { paths: SECRETS.flatMap((key) => [key, `*.${key}`]), censor: '[hidden]' },
      hooks: { ...hooks, streamWrite: isTerminal ? escapeForTerminal : escapeForFile },
    },
    stream,
  );
}

/** Changes the level of a running log, and of all logs made from it, to one of MongooseIM's. */
export function setLogLevel(log: Logger, loglevel: string): void {
  log.level = levelOf(loglevel) ?? log.level;
}

function levelOf(loglevel: string): string | undefined {
  return LEVELS.get(loglevel);
}

function standardError(): LogOutput {
  if (!isatty(2)) return { stream: pino.destination({ dest: 2, sync: true }), isTerminal: false };
  return { stream: pretty({ destination: 2, sync: true, colorize: true }), isTerminal: true };
}

/** JSON escapes line ends and ESC by itself, but not what is above ASCII. All of it can only stand inside of strings. */
function escapeForFile(line: string): string {
  return `${escapeControls(line.slice(0, -1))}\n`;
}

/** What is shown on a terminal is not JSON any more: line ends in strings must stay visible as such. Traces keep theirs. */
function escapeForTerminal(line: string): string {
  const { err, ...rest } = JSON.parse(line) as { err?: { stack?: unknown } };
  const safe = escapeDeep(rest) as Record<string, unknown>;
  if (err !== undefined) safe['err'] = { ...(escapeDeep(err) as object), stack: escapeStack(err.stack) };
  return `${JSON.stringify(safe)}\n`;
}

function escapeStack(stack: unknown): string {
  const lines = String(stack ?? '').split('\n');
  const firstFrame = lines.findIndex((line) => /^\s+at /.test(line));
  const message = firstFrame < 0 ? lines : lines.slice(0, firstFrame);
  const frames = firstFrame < 0 ? [] : lines.slice(firstFrame);
  return [escapeControls(message.join('\n')), ...frames.map(escapeControls)].join('\n');
}
