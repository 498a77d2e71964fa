import {
  type Accumulator,
  type C2sParams,
  Element,
  type Jid,
  type KeptRecord,
  KeptStanza,
  type ModuleContext,
  NS_CLIENT,
} from '../module.ts';
import type { Acknowledgements } from './acknowledgements.ts';
import type { SmOptions } from './options.ts';
import type { SmSessions } from './sessions.ts';
import { SmStream } from './stream.ts';
import { reroute } from './unacknowledged.ts';

/** An {@link SmStream} on its way to another shard. */
type Moved = readonly [
  id: string,
  timeoutMs: number,
  received: number,
  sent: number,
  acked: number,
  queue: readonly KeptRecord[],
];

/** What is known of a session's acknowledgements, on its way to another shard. */
export class Travel {
  readonly #context: ModuleContext<SmOptions>;
  readonly #sessions: SmSessions;
  readonly #acks: Acknowledgements;

  constructor(context: ModuleContext<SmOptions>, sessions: SmSessions, acks: Acknowledgements) {
    this.#context = context;
    this.#sessions = sessions;
    this.#acks = acks;
    context.sessionState<SmStream>({
      encode: (stream) => this.#encode(stream),
      decode: (data, session) => this.#decode(data as Moved, session),
    });
  }

  #encode(stream: SmStream): Moved | undefined {
    const { id, timeoutMs, received, sent, acked } = stream;
    if (id === undefined) return undefined;
    const queue = stream.queue().map((kept) => kept.toRecord((keys) => this.#context.encodeKeys(keys)));
    return [id, timeoutMs, received, sent, acked, queue];
  }

  #decode([id, timeoutMs, received, sent, acked, queue]: Moved, session: C2sParams): SmStream {
    const handle = this.#context.handle(session);
    const stream = new SmStream(session, handle, id, timeoutMs, this.#acks.bufferMax, this.#sessions);
    stream.received = received;
    stream.handled = received;
    stream.sent = sent;
    stream.acked = acked;
    stream.requested = sent;
    stream.replaceQueue(this.#queueOf(queue));
    this.#sessions.add(stream);
    return stream;
  }

  #queueOf(records: readonly KeptRecord[]): KeptStanza[] {
    const jids = { trusted: (full: string) => this.#context.trustedJid(full) };
    return records.map((record) =>
      KeptStanza.fromRecord(record, jids, (keys) => this.#context.decodeKeys(keys)),
    );
  }

  /** The session was lost on its way to another shard; what its client has not acknowledged is not. */
  salvage(state: unknown, jid: Jid): void {
    const [, , , , , queue] = state as Moved;
    const kept = this.#queueOf(queue);
    if (kept.length === 0) return;
    const session = { hostType: this.#hostTypeFor(jid), lserver: jid.domain };
    reroute(this.#context, kept, { session, jid, priority: 0, replacedBy: undefined });
  }

  #hostTypeFor(jid: Jid): Accumulator['hostType'] {
    return this.#context.accumulator(jid, jid, new Element('presence', NS_CLIENT)).hostType;
  }
}
