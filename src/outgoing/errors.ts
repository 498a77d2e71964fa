/** Why somebody outside could not be asked. */
export type OutgoingReason = 'full' | 'timeout' | 'down' | 'closed';

/**
 * Another server (or program) could not be asked, or gave no answer that can be understood. Nothing is known about what was asked. The message says
 * neither what was asked nor what was answered: both hold secrets.
 */
export class OutgoingError extends Error {
  override readonly name = 'OutgoingError';
  readonly reason: OutgoingReason;

  constructor(reason: OutgoingReason, message: string) {
    super(message);
    this.reason = reason;
  }
}
