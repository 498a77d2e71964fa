import {
  LatestQueue,
  type ModuleContext,
  type PushEventAcc,
  type PushedEvent,
  type WebRequest,
  type WebService,
} from '../module.ts';
import { type Backend, bodyOf, isAgain } from './backend.ts';
import type { HttpHandlerOptions } from './options.ts';

/** Messages that wait for one service in one shard, and what they take. */
const WAITING_MAX = 5_000;
const WAITING_BYTES_MAX = 8 * 1_048_576;
/** What the objects of a request take beside its text, roughly. */
const OVERHEAD_BYTES = 512;

/** Tells a web service of the messages that users send: those of type chat with a text. What it answers changes nothing. */
export class HttpBackend implements Backend {
  readonly interests = ['sent'] as const;
  readonly #context: ModuleContext;
  readonly #path: string;
  readonly #service: WebService;
  readonly #queue: LatestQueue<WebRequest>;

  constructor(context: ModuleContext, { pool_name: pool, path }: HttpHandlerOptions) {
    this.#context = context;
    this.#path = path.replace(/^\//, '');
    const service = context.http(pool);
    this.#service = service;
    this.#queue = new LatestQueue({
      // The pool may be another one after a reload.
      get activeMax() {
        return service.connections;
      },
      waitingMax: WAITING_MAX,
      bytesMax: WAITING_BYTES_MAX,
      work: (request) => this.#send(request),
      dropped: (count) => context.count('http_dropped', count),
    });
    context.onStop(() => this.#queue.close());
  }

  event(event: PushedEvent, { acc }: PushEventAcc): undefined {
    if (event.kind !== 'chat' || event.direction !== 'in' || event.type !== 'chat' || isAgain(acc)) return;
    const message = bodyOf(event.packet);
    if (message === undefined) return;
    const { from, to } = event;
    const fields = { author: from.local, server: from.domain, receiver: to.local, message };
    this.#queue.push({ method: 'POST', path: this.#path, fields }, message.length * 2 + OVERHEAD_BYTES);
  }

  /** Never rejects. */
  async #send(request: WebRequest): Promise<void> {
    const startMs = performance.now();
    try {
      const { status } = await this.#service.request(request);
      if (status < 200 || status > 299) throw new Error(`status ${status}`);
      this.#context.count('http_sent');
      this.#context.count('http_response_ms', Math.round(performance.now() - startMs));
    } catch (cause) {
      this.#context.count('http_failed');
      const { message } = cause as Error;
      this.#context.log.warn(
        { what: 'event_pusher_http_req_failed', cause: message },
        'a message was not told',
      );
    }
  }
}
