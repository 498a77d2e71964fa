import {
  BIND_RETRIES_MAX,
  LOGIN_MS_MAX,
  SASL_FAILURES_MAX,
  SASL_REFUSALS_MAX,
  TASKS_MS_MAX,
  TLS_HANDSHAKE_MS_MAX,
} from '../limits.ts';
import { randomText } from '../util/random.ts';
import type { SaslExchange } from './login-service.ts';

/** What a stream remembers only until its session is established. */
export class Negotiation {
  streamId = '';
  isHeaderSent = false;
  /** The `from` of the opening tag before login: after it, the bare JID must be the same (RFC 6120 §6.4.6). */
  tentativeFrom: string | undefined = undefined;
  /** Bytes read before login. */
  bytes = 0;
  saslFailuresLeft = SASL_FAILURES_MAX;
  saslRefusalsLeft = SASL_REFUSALS_MAX;
  bindRetriesLeft = BIND_RETRIES_MAX;
  exchange: SaslExchange | undefined = undefined;
  /** The mechanism of the exchange under way, by a name that there is, and when it began (monotonic milliseconds). */
  attempt: { readonly mechanism: string; readonly beganMs: number } | undefined = undefined;
  /** Monotonic milliseconds: end of the present step, and of the whole login. */
  stepDeadlineMs: number;
  /** When the stream came, likewise. */
  readonly beganMs: number;
  loginDeadlineMs: number;
  readonly #stepMs: number;
  #isInTasks = false;

  constructor(nowMs: number, stepMs: number) {
    this.#stepMs = stepMs;
    this.beganMs = nowMs;
    this.stepDeadlineMs = nowMs + stepMs;
    this.loginDeadlineMs = nowMs + LOGIN_MS_MAX;
  }

  /** A step was taken: the next one has its own time. */
  stepped(nowMs: number): void {
    this.stepDeadlineMs = this.#isInTasks ? this.loginDeadlineMs : nowMs + this.#stepMs;
  }

  /** The client is asked for tasks: all of them together have a time of their own. */
  tasksBegan(nowMs: number): void {
    if (this.#isInTasks) return;
    this.#isInTasks = true;
    this.loginDeadlineMs = nowMs + TASKS_MS_MAX;
    this.stepDeadlineMs = this.loginDeadlineMs;
  }

  /** It has done them, or failed: what follows is as quick as before. */
  tasksEnded(nowMs: number): void {
    if (!this.#isInTasks) return;
    this.#isInTasks = false;
    this.loginDeadlineMs = nowMs + LOGIN_MS_MAX;
  }

  /** The server takes its time for this step: it is not the client that is slow. The whole login keeps its limit. */
  serverBusy(): void {
    this.stepDeadlineMs = this.loginDeadlineMs;
  }

  /** TLS has a limit of its own. */
  handshakeStarted(nowMs: number): void {
    this.stepDeadlineMs = nowMs + TLS_HANDSHAKE_MS_MAX;
  }

  /** An unpredictable identifier for each opening of the stream (RFC 6120 §4.7.3). */
  renewStreamId(): void {
    this.streamId = randomText(16, 'hex');
    this.isHeaderSent = false;
  }
}
