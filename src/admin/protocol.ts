import { AdminError, errorCode } from './errors.ts';

/**
 * What passes over the admin socket: one JSON value a line.
 *
 * ```
 *  command ──▶ {"id":1,"command":"trace","args":{"jid":"romeo@localhost"}}
 *          ◀── {"id":1,"event":{…}}          any number, for commands that go on
 *          ◀── {"id":1,"result":…}           or {"id":1,"error":{"code":"…","message":"…"}}
 * ```
 *
 * Several requests may be under way on one connection; closing it ends them.
 */
export interface AdminRequest {
  readonly id: number;
  readonly command: string;
  readonly args: Readonly<Record<string, unknown>>;
}

export interface ErrorBody {
  readonly code: string;
  readonly message: string;
  readonly details?: unknown;
}

export type AdminReply =
  | { readonly id: number; readonly event: unknown }
  | { readonly id: number; readonly result: unknown }
  /** `id` is null when the request could not even be read. */
  | { readonly id: number | null; readonly error: ErrorBody };

/** A request has to fit in this; the largest is a stanza to explain. */
export const REQUEST_BYTES_MAX = 1_048_576;
/** Commands connected at a time. */
export const CONNECTIONS_MAX = 32;
/** Requests under way on one connection. */
export const REQUESTS_MAX = 16;
/** Events that may wait for a command that does not read them; more are left out. */
export const EVENTS_BYTES_MAX = 4_194_304;
/** A connection without a request is closed after this. */
export const IDLE_MS_MAX = 60_000;

/** Reads a request. Throws {@link AdminError}. */
export function parseRequest(line: string): AdminRequest {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new AdminError('bad_request', 'a request is one line of JSON');
  }
  if (typeof value !== 'object' || value === null) throw new AdminError('bad_request', 'not an object');
  const { id, command, args = {} } = value as Record<string, unknown>;
  if (typeof id !== 'number' || typeof command !== 'string') {
    throw new AdminError('bad_request', 'a request has an id (a number) and a command (a string)');
  }
  if (typeof args !== 'object' || args === null || Array.isArray(args)) {
    throw new AdminError('bad_request', 'args must be an object');
  }
  return { id, command, args: args as Record<string, unknown> };
}

export function errorBody(cause: unknown): ErrorBody {
  if (!(cause instanceof AdminError)) return { code: 'internal', message: messageOf(cause) };
  const { code, message, details } = cause;
  return details === undefined ? { code, message } : { code, message, details };
}

export function errorOf({ code, message, details }: ErrorBody): AdminError {
  return new AdminError(errorCode(code), message, details);
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
