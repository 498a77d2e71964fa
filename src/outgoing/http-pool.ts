import {
  Agent as HttpAgent,
  type IncomingMessage,
  type RequestOptions,
  request as requestHttp,
} from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import type { HttpPoolConfig } from '../config/config.ts';
import { Calls, type PoolLog } from './calls.ts';
import { OutgoingError } from './errors.ts';
import { tlsOptions } from './tls.ts';

/** An answer longer than this is none that we asked for (T63). */
const ANSWER_BYTES_MAX = 65_536;
/** More than a stanza and what is said about it. */
const REQUEST_BYTES_MAX = 1_048_576;

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  /** Below the pool's `path_prefix`: names of the protocol; something from outside only as a segment that was encoded. */
  readonly path: string;
  /** In the query of a GET, in the form of a POST. */
  readonly fields?: Readonly<Record<string, string>>;
  /** Of a POST, in place of the form. */
  readonly body?: { readonly type: string; readonly text: string } | undefined;
  /** Further headers, by names of the protocol. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** For `Authorization: Basic`: `user:password`. */
  readonly basicAuth?: string | undefined;
}

/** A few connections to one web service. The host is fixed, redirections are not followed, answers are short (T63). */
export class HttpPool {
  readonly #config: HttpPoolConfig;
  readonly #calls: Calls;
  readonly #agent: HttpAgent | HttpsAgent;
  readonly #base: RequestOptions;
  readonly #isSecure: boolean;

  /** Throws when a file of the TLS section cannot be read. */
  constructor(config: HttpPoolConfig, log: PoolLog) {
    this.#config = config;
    const url = new URL(config.host);
    this.#isSecure = url.protocol === 'https:';
    const sockets = { keepAlive: true, maxSockets: config.workers, maxFreeSockets: config.workers };
    this.#agent = this.#isSecure
      ? new HttpsAgent({ ...sockets, ...(config.tls === undefined ? {} : tlsOptions(config.tls)) })
      : new HttpAgent(sockets);
    this.#base = {
      agent: this.#agent,
      hostname: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: url.port === '' ? (this.#isSecure ? 443 : 80) : Number(url.port),
    };
    this.#calls = new Calls({
      name: config.name,
      activeMax: config.workers,
      waitingMax: config.queueMax,
      timeoutMs: config.callTimeoutMs,
      log,
    });
  }

  get connections(): number {
    return this.#config.workers;
  }

  /**
   * Sends a request. Rejects with {@link OutgoingError} when no answer comes; a status of 500 and above is none, either. Redirections are answers like any other.
   */
  request(request: HttpRequest): Promise<HttpAnswer> {
    const content = contentOf(request);
    if (content !== undefined && content.bytes.length > REQUEST_BYTES_MAX) {
      const message = `${this.#config.name}: a request of more than ${REQUEST_BYTES_MAX} bytes`;
      return Promise.reject(new OutgoingError('full', message));
    }
    return this.#calls.run(async (signal) => {
      const answer = await this.#attempt(request, content, signal, true);
      if (answer.status >= 500) {
        throw new OutgoingError('down', `${this.#config.name} answered with status ${answer.status}`);
      }
      return answer;
    });
  }

  close(): void {
    this.#calls.close();
    this.#agent.destroy();
  }

  #attempt(
    request: HttpRequest,
    content: Content | undefined,
    signal: AbortSignal,
    mayRepeat: boolean,
  ): Promise<HttpAnswer> {
    const { name, requestTimeoutMs, pathPrefix } = this.#config;
    const isGet = content === undefined;
    const query = isGet ? `?${new URLSearchParams(request.fields)}` : '';
    const options: RequestOptions = {
      ...this.#base,
      method: request.method,
      path: `${pathPrefix}${request.path}${query}`,
      headers: {
        ...(isGet ? {} : { 'Content-Type': content.type, 'Content-Length': content.bytes.length }),
        ...request.headers,
        ...(request.basicAuth === undefined
          ? {}
          : { Authorization: `Basic ${Buffer.from(request.basicAuth).toString('base64')}` }),
      },
      signal,
    };
    return new Promise((resolve, reject) => {
      const sent = this.#isSecure ? requestHttps(options) : requestHttp(options);
      const timer = setTimeout(() => {
        sent.destroy(new OutgoingError('timeout', `${name} did not answer within ${requestTimeoutMs} ms`));
      }, requestTimeoutMs);
      let hasFailed = false;
      const fail = (error: Error): void => {
        if (hasFailed) return;
        hasFailed = true;
        clearTimeout(timer);
        // A connection that the service closed while it was idle says nothing about the service.
        const isStale = sent.reusedSocket && (error as NodeJS.ErrnoException).code === 'ECONNRESET';
        if (isStale && isGet && mayRepeat) resolve(this.#attempt(request, content, signal, false));
        else reject(error instanceof OutgoingError ? error : failure(name, error));
      };
      sent.on('error', fail);
      sent.once('response', (response) => {
        read(response, name).then((answer) => {
          clearTimeout(timer);
          resolve(answer);
        }, fail);
      });
      sent.end(content?.bytes);
    });
  }
}

interface Content {
  readonly type: string;
  readonly bytes: Buffer;
}

/** What a POST sends; undefined for a GET. */
function contentOf({ method, fields, body }: HttpRequest): Content | undefined {
  if (method === 'GET') return undefined;
  if (body !== undefined) return { type: body.type, bytes: Buffer.from(body.text) };
  const form = new URLSearchParams(fields).toString();
  return { type: 'application/x-www-form-urlencoded', bytes: Buffer.from(form) };
}

async function read(response: IncomingMessage, name: string): Promise<HttpAnswer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) {
      response.destroy();
      throw new OutgoingError('down', `${name} answered with more than ${ANSWER_BYTES_MAX} bytes`);
    }
    chunks.push(chunk);
  }
  return { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() };
}

/** What went wrong, without the request: its query holds a password. */
function failure(name: string, error: Error): OutgoingError {
  const { code } = error as NodeJS.ErrnoException;
  return new OutgoingError('down', `${name} cannot be reached: ${code ?? error.name}`);
}
