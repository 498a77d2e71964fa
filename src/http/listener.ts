import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { type FastifyInstance, fastify } from 'fastify';
import type { CertificateConfig, HttpListenerConfig } from '../config/config.ts';
import type { Logger } from '../observe/log.ts';
import { addHealthRoutes, type HealthSource } from './health.ts';
import { tlsOptions } from './tls.ts';

/** What the listeners serve. */
export interface HttpContent {
  readonly health: HealthSource;
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
}

/** Decides who may connect. */
export interface Admission {
  /** Counts a new connection, or says why it is refused. */
  admit(address: string): string | undefined;
  /** A connection has ended. */
  release(address: string): void;
}

/** A request's headers, and all of it, must have come within this. */
const HEADERS_MS_MAX = 10_000;
const REQUEST_MS_MAX = 30_000;
/** A connection without a request is closed after this. */
const KEEP_ALIVE_MS = 10_000;
const HEADER_BYTES_MAX = 16_384;

/** One `[[listen.http]]`: metrics and health checks, read-only. It runs on the main thread. */
export class HttpListener {
  readonly name: string;
  /** Connections refused, by reason. */
  readonly refused: Record<string, number> = {};
  readonly #config: HttpListenerConfig;
  readonly #app: FastifyInstance;
  readonly #admission: Admission;
  #server!: Server | HttpsServer;

  constructor(
    config: HttpListenerConfig,
    content: HttpContent,
    admission: Admission,
    selfSigned: CertificateConfig,
    log: Logger,
  ) {
    this.name = config.name;
    this.#config = config;
    this.#admission = admission;
    this.#app = fastify({
      bodyLimit: config.maxStanzaSizeBytes,
      routerOptions: { maxParamLength: 100 },
      serverFactory: (handler) => {
        const timeouts = {
          headersTimeout: HEADERS_MS_MAX,
          requestTimeout: REQUEST_MS_MAX,
          keepAliveTimeout: KEEP_ALIVE_MS,
          maxHeaderSize: HEADER_BYTES_MAX,
        };
        this.#server =
          config.tls === undefined
            ? createHttpServer(timeouts, handler)
            : createHttpsServer({ ...timeouts, ...tlsOptions(config.tls, selfSigned) }, handler);
        // Before anything else sees the connection.
        this.#server.prependListener('connection', (socket: Socket) => this.#admit(socket));
        return this.#server;
      },
    });
    this.#addRoutes(content, log);
  }

  /** Starts listening. Rejects when the address cannot be had. */
  async listen(): Promise<AddressInfo> {
    const { port, ipAddress: host, backlog } = this.#config;
    await this.#app.listen({ port, host, backlog });
    return this.#server.address() as AddressInfo;
  }

  /** Reads the certificates again, for new connections. Throws, and changes nothing, if one cannot be used. */
  reload(config: HttpListenerConfig, selfSigned: CertificateConfig): void {
    if (config.tls !== undefined && 'setSecureContext' in this.#server)
      this.#server.setSecureContext(tlsOptions(config.tls, selfSigned));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await this.#app.close();
  }

  #admit(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    const refusal = this.#admission.admit(address);
    if (refusal !== undefined) {
      this.refused[refusal] = (this.refused[refusal] ?? 0) + 1;
      socket.destroy();
      return;
    }
    socket.once('close', () => this.#admission.release(address));
  }

  #addRoutes(content: HttpContent, log: Logger): void {
    const app = this.#app;
    app.addHook('onSend', async (_request, reply) => {
      reply.header('x-content-type-options', 'nosniff');
    });
    app.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'not found' }));
    app.setErrorHandler((cause: Error & { statusCode?: number }, request, reply) => {
      const status = cause.statusCode ?? 500;
      if (status >= 500) log.error({ err: cause, what: 'http_failed', url: request.url }, 'a request failed');
      return reply.code(status).send({ error: status >= 500 ? 'internal error' : cause.message });
    });
    addHealthRoutes(app, content.health);
    for (const { host, path } of this.#config.handlers) {
      app.route({
        method: 'GET',
        url: path,
        ...(host === undefined ? {} : { constraints: { host } }),
        handler: async (_request, reply) =>
          reply.header('content-type', content.metrics.contentType).send(await content.metrics.text()),
      });
    }
  }
}
