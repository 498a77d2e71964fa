import type { C2s } from '../c2s/c2s.ts';
import { holdReceiving, presend, whenReceived, writeStanza } from '../c2s/receive.ts';
import { stopRequest } from '../c2s/terminate.ts';
import type { Accumulator } from '../hooks/accumulator.ts';
import type { Acknowledger } from '../hooks/acknowledger.ts';
import type { C2sParams } from '../hooks/session.ts';
import type { SessionHandle } from '../modules/module.ts';
import type { SessionId } from '../xmpp/session-id.ts';
import { commitsOf } from './hand-overs.ts';

/** A session as modules steer it. */
export class Handle implements SessionHandle {
  readonly #c2s: C2s;

  constructor(c2s: C2s) {
    this.#c2s = c2s;
  }

  get params(): C2sParams {
    return this.#c2s;
  }

  get room(): number {
    return this.#c2s.acknowledger?.room ?? Number.POSITIVE_INFINITY;
  }

  get isCommitting(): boolean {
    return this.#c2s.commits !== undefined || this.#c2s.host.whenSent() !== undefined;
  }

  get isHandling(): boolean {
    return this.#c2s.handling !== undefined;
  }

  get replacedBy(): SessionId | undefined {
    return this.#c2s.replacedBy;
  }

  afterDelivery(callback: (isDelivered: boolean) => void): void {
    whenReceived(this.#c2s, (isReceived) => {
      if (isReceived) whenDelivered(this.#c2s, callback);
      else callback(false);
    });
  }

  get unacknowledgedStored(): number {
    return this.#c2s.acknowledger?.unacknowledgedStored ?? 0;
  }

  afterEachStored(callback: (isDelivered: boolean) => void): void {
    this.#c2s.acknowledger?.whenStoredAcknowledged(callback);
  }

  holdReceiving(until: Promise<unknown>, isForOrder?: boolean): void {
    holdReceiving(this.#c2s, until, isForOrder);
  }

  stop(reason: string): void {
    stopRequest(this.#c2s, reason);
  }

  end(reason: string, lastWords?: string): void {
    this.#c2s.connection.touch();
    this.#c2s.end(reason, lastWords);
  }

  replace(by: SessionId): void {
    this.#c2s.closeWithConflict('replaced', 'Replaced by new connection', by);
  }

  flush(acc: Accumulator): void {
    this.#c2s.connection.touch();
    presend(this.#c2s, acc);
  }

  write(xml: string): void {
    this.#c2s.connection.touch();
    this.#c2s.write(xml);
  }

  writeStanza(acc: Accumulator): void {
    writeStanza(this.#c2s, acc);
  }

  writeLast(xml: string): void {
    this.#c2s.connection.writeLast(xml);
  }

  whenCommitted(): Promise<unknown> | undefined {
    return commitsOf(this.#c2s);
  }

  acknowledges(acknowledger: Acknowledger | undefined): void {
    this.#c2s.acknowledger = acknowledger;
  }
}

/** A session while a route is only explained: it can be looked at. */
export const NO_EFFECTS: Omit<SessionHandle, 'params'> = {
  afterDelivery: () => {},
  unacknowledgedStored: 0,
  afterEachStored: () => {},
  room: Number.POSITIVE_INFINITY,
  holdReceiving: () => {},
  flush: () => {},
  replace: () => {},
  stop: () => {},
  end: () => {},
  write: () => {},
  writeStanza: () => {},
  writeLast: () => {},
  isCommitting: false,
  isHandling: false,
  whenCommitted: () => undefined,
  acknowledges: () => {},
  replacedBy: undefined,
};

/** As surely as the stream allows: a client that acknowledges has, or the kernel has taken it. */
function whenDelivered(c2s: C2s, callback: (isDelivered: boolean) => void): void {
  if (c2s.acknowledger === undefined) c2s.connection.afterFlush(callback);
  else c2s.acknowledger.whenAcknowledged(callback);
}
