import type { ConnectionInfo } from '../hooks/session.ts';
import { streamErrorXml } from '../xmpp/stream-error.ts';
import type { C2s } from './c2s.ts';
import type { ListenerSettings } from './c2s-host.ts';
import type { StreamOwner } from './stream-owner.ts';

/** What is left of a stream whose session goes on without this connection: how the connection is counted. It hears nothing any more. */
export class FormerOwner implements StreamOwner {
  readonly info: ConnectionInfo;
  readonly listener: ListenerSettings;
  readonly negotiation = undefined;

  constructor({ info, listener }: C2s) {
    this.info = info;
    this.listener = listener;
  }

  streamOpened(): void {}
  element(): void {}
  streamOpenedAgain(): void {}
  streamClosed(): void {}
  unreadable(): void {}
  crashed(): void {}
  disconnected(): void {}
}

/** A session goes on without its connection: its state is `external` until another one takes it over, or it ends. */
export function detach(c2s: C2s): void {
  if (c2s.state === 'external') return;
  const { connection } = c2s;
  connection.owner = new FormerOwner(c2s);
  // One whose peer has closed its half ends by itself.
  if (connection.isOpen) connection.destroy();
  c2s.state = 'external';
  c2s.reason = undefined;
}

/** Lets go of the connection that a session had: if it is still open, its client is told that another one has taken over. */
export function leaveConnection(c2s: C2s): void {
  const { connection } = c2s;
  if (!connection.isOpen) return;
  connection.owner = new FormerOwner(c2s);
  connection.writeText(`${streamErrorXml('conflict', 'Resumed by another connection')}</stream:stream>`);
  connection.close();
}

/** A session of this shard goes on with the connection of `stream`, which has logged in as the same user and bound nothing. */
export function takeConnection(c2s: C2s, stream: C2s): void {
  leaveConnection(c2s);
  stream.host.unwatchLogin(stream);
  stream.negotiation = undefined;
  stream.state = 'closed';
  c2s.connection = stream.connection;
  c2s.connection.owner = c2s;
  c2s.listener = stream.listener;
  c2s.info = stream.info;
  c2s.lang = stream.lang;
  c2s.state = 'session_established';
  c2s.reason = undefined;
}
