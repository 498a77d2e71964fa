import { isatty } from 'node:tty';
import pino, { type Logger } from 'pino';
import pretty from 'pino-pretty';

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

/**
 * The log of one thread: JSON lines on standard error, or readable ones when that is a terminal. Standard output stays free for the
 * readiness line. Secrets are never passed to it; nothing is logged per stanza.
 */
export function createLog(loglevel: string, thread: string): Logger {
  const level = LEVELS.get(loglevel) ?? 'warn';
  const base = { pid: process.pid, thread };
  if (isatty(2)) {
    return pino({ level, base: { thread } }, pretty({ destination: 2, sync: true, colorize: true }));
  }
  return pino({ level, base }, pino.destination({ dest: 2, sync: true }));
}

/** Changes the level of a running log to one of MongooseIM's. */
export function setLogLevel(log: Logger, loglevel: string): void {
  log.level = LEVELS.get(loglevel) ?? log.level;
}
