import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type ServerOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

/** What the service was asked. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly fields: ReadonlyMap<string, string>;
  readonly authorization: string | undefined;
}

/** A web service that keeps accounts, written from MongooseIM's documentation of the protocol. */
export class AccountService {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #byDomain = new Map<string, Set<Socket>>();
  readonly passwords = new Map<string, string>();
  readonly certificates = new Map<string, string>();
  readonly asked: Asked[] = [];
  /** Takes the place of an answer. */
  override: ((request: Asked, response: ServerResponse) => void) | undefined = undefined;
  #waiting: (() => void)[] = [];

  private constructor(tls: ServerOptions | undefined) {
    const handle = (request: IncomingMessage, response: ServerResponse): void => {
      void this.#handle(request, response);
    };
    this.#server = tls === undefined ? createServer(handle) : createSecureServer(tls, handle);
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  /** Over TLS, if there are options for it. */
  static async start(tls?: ServerOptions): Promise<AccountService> {
    const service = new AccountService(tls);
    await service.listen(0);
    return service;
  }

  listen(port = this.port): Promise<void> {
    return new Promise((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
  }

  #port = 0;

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? this.#port;
  }

  /** Of the connections over which a domain was asked for, those that are open now. */
  connectionsFor(domain: string): Socket[] {
    return [...(this.#byDomain.get(domain) ?? [])].filter((socket) => this.#sockets.has(socket));
  }

  /** Waits until so many requests have come in all. */
  async untilAsked(count: number): Promise<void> {
    while (this.asked.length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async stop(): Promise<void> {
    this.#port = this.port;
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url!, 'http://service');
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const asked: Asked = {
      method: request.method!,
      path: url.pathname,
      fields: new Map(request.method === 'GET' ? url.searchParams : new URLSearchParams(body)),
      authorization: request.headers.authorization,
    };
    this.asked.push(asked);
    const domain = asked.fields.get('server') ?? '';
    this.#byDomain.set(domain, (this.#byDomain.get(domain) ?? new Set()).add(request.socket));
    for (const wake of this.#waiting.splice(0)) wake();
    if (this.override !== undefined) this.override(asked, response);
    else this.#answer(asked, response);
  }

  #answer({ method, path, fields }: Asked, response: ServerResponse): void {
    const account = `${fields.get('user')}@${fields.get('server')}`;
    const known = this.passwords.get(account);
    const say = (status: number, text = ''): void => {
      response.writeHead(status);
      response.end(text);
    };
    switch (`${method} ${path.slice(path.lastIndexOf('/') + 1)}`) {
      case 'GET check_password':
        say(200, String(known !== undefined && known === fields.get('pass')));
        break;
      case 'GET get_password':
        say(known === undefined ? 404 : 200, known);
        break;
      case 'GET get_certs': {
        const pem = this.certificates.get(account);
        say(pem === undefined ? 404 : 200, pem);
        break;
      }
      case 'GET user_exists':
        say(200, String(known !== undefined));
        break;
      case 'POST register':
        if (known === undefined) this.passwords.set(account, fields.get('pass')!);
        say(known === undefined ? 201 : 409);
        break;
      case 'POST set_password':
        if (known !== undefined) this.passwords.set(account, fields.get('pass')!);
        say(known === undefined ? 404 : 204);
        break;
      case 'POST remove_user':
        say(this.passwords.delete(account) ? 204 : 404);
        break;
      default:
        say(405);
    }
  }
}
