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

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  /** Below the pool's `path_prefix`: a name of the protocol, never something from outside. */
  readonly path: string;
  /** In the query of a GET, in the form of a POST. */
  readonly fields: Readonly<Record<string, string>>;
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

  /** Sends a request. Rejects with {@link OutgoingError} when no answer comes; a status of 500 and above is none, either. */
  request(request: HttpRequest): Promise<HttpAnswer> {
    return this.#calls.run(async (signal) => {
      const answer = await this.#attempt(request, signal, true);
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

  #attempt(request: HttpRequest, signal: AbortSignal, mayRepeat: boolean): Promise<HttpAnswer> {
    const { name, requestTimeoutMs, pathPrefix } = this.#config;
    const form = new URLSearchParams(request.fields).toString();
    const isGet = request.method === 'GET';
    const options: RequestOptions = {
      ...this.#base,
      method: request.method,
      path: isGet ? `${pathPrefix}${request.path}?${form}` : pathPrefix + request.path,
      headers: {
        ...(isGet
          ? {}
          : {
              'Content-Type': 'application/x-www-form-urlencoded',
              'Content-Length': Buffer.byteLength(form),
            }),
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
        if (isStale && isGet && mayRepeat) resolve(this.#attempt(request, signal, false));
        else reject(error instanceof OutgoingError ? error : failure(name, error));
      };
      sent.on('error', fail);
      sent.once('response', (response) => {
        read(response, name).then((answer) => {
          clearTimeout(timer);
          resolve(answer);
        }, fail);
      });
      sent.end(isGet ? undefined : form);
    });
  }
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
