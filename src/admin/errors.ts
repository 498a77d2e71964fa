/**
 * What can go wrong with a command, in the operator's words. The codes are stable: scripts may rely on them. `docs/operations.md` explains
 * each, and a test compares the two.
 */
export const ERROR_CODES = [
  'usage',
  'server_unreachable',
  'config_invalid',
  'certificate_invalid',
  'storage_in_use',
  'storage_failed',
  'listen_failed',
  'start_failed',
  'inspector_refused',
  'bad_request',
  'unknown_command',
  'request_too_large',
  'too_many_connections',
  'too_many_requests',
  'connection_lost',
  'not_ready',
  'store_unavailable',
  'invalid_jid',
  'invalid_stanza',
  'invalid_xml',
  'domain_unknown',
  'user_exists',
  'user_unknown',
  'password_missing',
  'password_refused',
  'limit_reached',
  'not_allowed',
  'session_unknown',
  'module_not_loaded',
  'not_blocked',
  'nothing_stored',
  'export_failed',
  'import_failed',
  'removal_failed',
  'file_exists',
  'storage_damaged',
  'storage_newer',
  'backup_failed',
  'restore_failed',
  'backup_running',
  'reload_failed',
  'stop_timed_out',
  'internal',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** The exit status of the command for each code; 1 unless said otherwise. */
const EXIT_STATUS: { readonly [C in ErrorCode]?: number } = { usage: 2, server_unreachable: 3 };

/** A command that failed in a way that its caller can do something about. */
export class AdminError extends Error {
  readonly code: ErrorCode;
  /** More than the message says, as plain data: problems of a configuration, for instance. */
  readonly details: unknown;

  constructor(code: ErrorCode, message: string, details?: unknown) {
    super(message);
    this.code = code;
    this.details = details;
  }

  get exitStatus(): number {
    return EXIT_STATUS[this.code] ?? 1;
  }
}

/** An error code that another process or thread sent; `internal` if we do not know it. */
export function errorCode(text: unknown): ErrorCode {
  return ERROR_CODES.find((code) => code === text) ?? 'internal';
}
