import { chmodSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import type { Logger } from '../observe/log.ts';
import { AdminError } from './errors.ts';
import { readLines } from './lines.ts';
import {
  type AdminReply,
  type AdminRequest,
  CONNECTIONS_MAX,
  EVENTS_BYTES_MAX,
  errorBody,
  IDLE_MS_MAX,
  parseRequest,
  REQUEST_BYTES_MAX,
  REQUESTS_MAX,
} from './protocol.ts';

/** The other end of one request. */
export interface Caller {
  /** Aborted when the caller has gone. */
  readonly signal: AbortSignal;
  /** Sends an event. False when it was left out, because the caller reads too slowly. */
  event(value: unknown): boolean;
}

export type AdminCommand = (args: Readonly<Record<string, unknown>>, caller: Caller) => unknown;

/** Another server answers on the socket already. */
export class SocketInUseError extends AdminError {
  constructor(path: string) {
    super('listen_failed', `another server listens on the admin socket ${path}`);
  }
}

/**
 * The Unix socket that the `meerkat` command talks to. Whoever may open it rules the server, so only the user that runs the server may.
 */
export class AdminSocket {
  readonly path: string;
  readonly #commands: ReadonlyMap<string, AdminCommand>;
  readonly #log: Logger;
  readonly #server: Server;
  readonly #connections = new Set<Socket>();
  /** Whether the file is ours. */
  #isOurs = false;

  constructor(path: string, commands: ReadonlyMap<string, AdminCommand>, log: Logger) {
    this.path = path;
    this.#commands = commands;
    this.#log = log;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  async listen(): Promise<void> {
    mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
    await removeStale(this.path);
    // The socket must not be open to others for even a moment. The mask is the process's, so it is put back at once.
    const before = process.umask(0o177);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#server.once('error', reject);
        this.#server.listen(this.path, resolve);
        process.umask(before);
      });
    } finally {
      process.umask(before);
    }
    this.#isOurs = true;
    chmodSync(this.path, 0o600);
    this.#server.on('error', (cause) =>
      this.#log.error({ err: cause, what: 'admin_socket_failed' }, 'the admin socket failed'),
    );
  }

  /** Takes no more requests; those under way may still be answered until {@link close}. */
  stopListening(): void {
    this.#server.close();
  }

  /** Ends all connections and removes the socket. */
  close(): void {
    this.#server.close();
    for (const socket of this.#connections) socket.destroySoon();
    if (this.#isOurs) rmSync(this.path, { force: true });
  }

  #accept(socket: Socket): void {
    socket.on('error', () => {});
    if (this.#connections.size >= CONNECTIONS_MAX) {
      send(socket, {
        id: null,
        error: { code: 'too_many_connections', message: `${CONNECTIONS_MAX} commands are connected already` },
      });
      socket.destroySoon();
      return;
    }
    this.#connections.add(socket);
    const abort = new AbortController();
    socket.on('close', () => {
      this.#connections.delete(socket);
      abort.abort();
    });
    socket.setTimeout(IDLE_MS_MAX, () => {
      if (running === 0) socket.destroySoon();
    });
    let running = 0;
    const run = async (line: string): Promise<void> => {
      running++;
      if (running > REQUESTS_MAX) {
        const message = `more than ${REQUESTS_MAX} requests under way`;
        send(socket, { id: null, error: { code: 'too_many_requests', message } });
        socket.destroySoon();
      } else send(socket, await this.#run(line, socket, abort.signal));
      running--;
    };
    readLines(
      socket,
      REQUEST_BYTES_MAX,
      (line) => void run(line),
      () => {
        const message = `a request has at most ${REQUEST_BYTES_MAX} bytes`;
        send(socket, { id: null, error: { code: 'request_too_large', message } });
        socket.destroySoon();
      },
    );
  }

  async #run(line: string, socket: Socket, signal: AbortSignal): Promise<AdminReply> {
    let request: AdminRequest;
    try {
      request = parseRequest(line);
    } catch (cause) {
      return { id: null, error: errorBody(cause) };
    }
    const { id, command, args } = request;
    try {
      const run = this.#commands.get(command);
      if (run === undefined) throw new AdminError('unknown_command', `there is no command ${command}`);
      const caller: Caller = {
        signal,
        event: (event) => {
          if (socket.destroyed || socket.writableLength > EVENTS_BYTES_MAX) return false;
          send(socket, { id, event });
          return true;
        },
      };
      return { id, result: (await run(args, caller)) ?? null };
    } catch (cause) {
      if (!(cause instanceof AdminError)) {
        this.#log.error({ err: cause, what: 'admin_command_failed', command }, 'a command failed');
      }
      return { id, error: errorBody(cause) };
    }
  }
}

function send(socket: Socket, reply: AdminReply): void {
  if (!socket.destroyed) socket.write(`${JSON.stringify(reply)}\n`);
}

/** Removes a socket that nobody listens on any more: a server that was killed left it. */
async function removeStale(path: string): Promise<void> {
  let isSocket: boolean;
  try {
    isSocket = statSync(path).isSocket();
  } catch {
    return;
  }
  if (!isSocket) throw new AdminError('listen_failed', `${path} exists and is not a socket`);
  const answers = await new Promise<boolean>((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
  if (answers) throw new SocketInUseError(path);
  rmSync(path, { force: true });
}
