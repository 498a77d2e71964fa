import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** A request as it came in. */
export interface WebCall {
  readonly method: string;
  /** With the query, as it was written. */
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A web service of somebody else's: it keeps what it is asked, and answers as the test says. */
export class WebService {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #calls: WebCall[] = [];
  #wake: (() => void) | undefined;
  #port = 0;
  /** What is answered. */
  answer: (call: WebCall, response: ServerResponse) => void = ok;
  /** Requests in all, those that the test has looked at included. */
  count = 0;

  private constructor() {
    this.#server = createServer((request, response) => void this.#handle(request, response));
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(): Promise<WebService> {
    const service = new WebService();
    await service.listen();
    return service;
  }

  /** Listens (again), on the same port. */
  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  get port(): number {
    return this.#port;
  }

  get openConnections(): number {
    return this.#sockets.size;
  }

  /** The section of a pool that reaches it. */
  pool(tag: string, connection = '', lines = ''): string {
    return `[outgoing_pools.http.${tag}]
      ${lines}
      [outgoing_pools.http.${tag}.connection]
        host = "http://127.0.0.1:${this.#port}"
        ${connection}
    `;
  }

  /** The next request; the test's own time limit is how long it may take. */
  async next(): Promise<WebCall> {
    while (this.#calls.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#calls.shift()!;
  }

  /** Forgets requests that nobody looked at. */
  forget(): void {
    this.#calls.length = 0;
  }

  /** Closes every connection and takes no more. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const { method = '', url = '', headers } = request;
    const call = { method, url, headers, body };
    this.count++;
    this.#calls.push(call);
    this.#wake?.();
    this.answer(call, response);
  }
}

/** The answer that says no more than yes. */
export function ok(_call: WebCall, response: ServerResponse): void {
  response.end();
}

/** An answer with a status and a text. */
export function says(status: number, text = '', headers: Record<string, string> = {}): WebService['answer'] {
  return (_call, response) => {
    response.writeHead(status, headers);
    response.end(text);
  };
}
