import { connect, type Socket } from 'node:net';
import { AdminError } from '../admin/errors.ts';
import { readLines } from '../admin/lines.ts';
import { type AdminReply, errorOf } from '../admin/protocol.ts';

/** An answer may be long: a list of all sessions. */
const REPLY_BYTES_MAX = 1_073_741_824;

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (cause: Error) => void;
  readonly event: (value: unknown) => void;
}

/** The command's side of the admin socket. */
export class AdminClient {
  readonly #socket: Socket;
  readonly #pending = new Map<number, Pending>();
  readonly #ended: Promise<void>;
  #nextId = 1;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#ended = new Promise((resolve) => socket.once('close', () => resolve()));
    readLines(
      socket,
      REPLY_BYTES_MAX,
      (line) => this.#received(JSON.parse(line) as AdminReply),
      () => socket.destroy(),
    );
    socket.on('error', () => {});
    socket.on('close', () =>
      this.#fail(new AdminError('connection_lost', 'the server closed the connection before it answered')),
    );
  }

  /** Connects. Rejects with `server_unreachable`. */
  static async connect(path: string): Promise<AdminClient> {
    const socket = connect(path);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', (cause: NodeJS.ErrnoException) => reject(unreachable(path, cause)));
    });
    return new AdminClient(socket);
  }

  /** Runs a command of the server. `event` hears what it tells on the way. */
  request(
    command: string,
    args: Record<string, unknown> = {},
    event: (value: unknown) => void = () => {},
  ): Promise<unknown> {
    const id = this.#nextId++;
    this.#socket.write(`${JSON.stringify({ id, command, args })}\n`);
    return new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject, event }));
  }

  /** Resolves when the server has closed the connection. */
  ended(): Promise<void> {
    return this.#ended;
  }

  close(): void {
    this.#pending.clear();
    this.#socket.destroy();
  }

  #received(reply: AdminReply): void {
    const { id } = reply;
    if (id === null) {
      if ('error' in reply) this.#fail(errorOf(reply.error));
      return;
    }
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    if ('event' in reply) {
      pending.event(reply.event);
      return;
    }
    this.#pending.delete(id);
    if ('error' in reply) pending.reject(errorOf(reply.error));
    else pending.resolve(reply.result);
  }

  #fail(cause: AdminError): void {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(cause);
  }
}

function unreachable(path: string, { code, message }: NodeJS.ErrnoException): AdminError {
  const why =
    code === 'ENOENT'
      ? 'there is no such socket'
      : code === 'ECONNREFUSED'
        ? 'nobody listens there'
        : code === 'EACCES'
          ? 'permission denied: only the user that runs the server may use it'
          : message;
  return new AdminError(
    'server_unreachable',
    `cannot reach a server at ${path}: ${why}; is it running? --config, --data or --socket say where`,
  );
}
