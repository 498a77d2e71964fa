import type { ErrorCode } from '../admin/errors.ts';

/** Something about the command itself is wrong; code and message are for the operator. */
export class CommandError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** How a failed command crosses to the main thread: errors lose their class on the way. */
export interface CommandFailure {
  readonly failure: { readonly code: ErrorCode; readonly message: string };
}

export function isCommandFailure(value: unknown): value is CommandFailure {
  return typeof value === 'object' && value !== null && 'failure' in value;
}
