/** What can be wrong with a command; `admin/errors.ts` has the same codes. */
export type CommandErrorCode =
  | 'invalid_jid'
  | 'invalid_stanza'
  | 'domain_unknown'
  | 'user_exists'
  | 'user_unknown'
  | 'password_refused'
  | 'limit_reached'
  | 'not_allowed'
  | 'session_unknown'
  | 'export_failed'
  | 'removal_failed'
  | 'store_unavailable'
  | 'module_not_loaded'
  | 'bad_request'
  | 'not_blocked'
  | 'invalid_xml'
  | 'nothing_stored';

/** Something about the command itself is wrong; code and message are for the operator. */
export class CommandError extends Error {
  readonly code: CommandErrorCode;

  constructor(code: CommandErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** How a failed command crosses to the main thread: errors lose their class on the way. */
export interface CommandFailure {
  readonly failure: { readonly code: CommandErrorCode; readonly message: string };
}
