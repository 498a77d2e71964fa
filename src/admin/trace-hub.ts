import type { TraceLine } from '../shard/tracing.ts';

/** Lines of several shards are put in order for this long before they are shown. */
const ORDER_MS = 100;
const FLUSH_MS = 50;
/** Lines that wait to be shown, at most. */
const WAITING_MAX = 100_000;

/** A line as it is shown. */
export interface ShownLine extends Omit<TraceLine, 'subjects' | 'atUs'> {
  /** When, as ISO 8601 with microseconds. */
  readonly time: string;
  /** The same in microseconds since the epoch. */
  readonly timeUs: number;
}

interface Subscriber {
  readonly bare: string;
  readonly show: (line: ShownLine) => boolean;
  /** Lines that it was too slow for. */
  lost: number;
}

/** What the hub needs of the server. */
export interface TraceSource {
  /** Replaces the watched accounts. */
  watch(bares: readonly string[]): Promise<void>;
}

/** Brings the traces of all shards into one order, and to everybody who watches the account. */
export class TraceHub {
  readonly #source: TraceSource;
  readonly #subscribers = new Set<Subscriber>();
  #waiting: TraceLine[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** What turns the monotonic clock of traces into time of day. */
  #offsetUs = 0;

  constructor(source: TraceSource) {
    this.#source = source;
  }

  /** Begins to watch an account. Resolves when all shards do. */
  async subscribe(bare: string, show: (line: ShownLine) => boolean): Promise<() => void> {
    const subscriber: Subscriber = { bare, show, lost: 0 };
    this.#subscribers.add(subscriber);
    this.#offsetUs = Date.now() * 1_000 - monotonicUs();
    this.#timer ??= setInterval(() => this.#show(monotonicUs() - ORDER_MS * 1_000), FLUSH_MS);
    await this.#watch();
    return () => {
      if (!this.#subscribers.delete(subscriber)) return;
      if (this.#subscribers.size === 0) {
        clearInterval(this.#timer);
        this.#timer = undefined;
        this.#waiting = [];
      }
      this.#watch().catch(() => {});
    };
  }

  /** Steps from a shard. */
  received(lines: readonly TraceLine[]): void {
    if (this.#subscribers.size === 0) return;
    for (const line of lines) {
      if (this.#waiting.length < WAITING_MAX) this.#waiting.push(line);
      else for (const subscriber of this.#subscribers) subscriber.lost++;
    }
  }

  #watch(): Promise<void> {
    return this.#source.watch([...new Set([...this.#subscribers].map(({ bare }) => bare))]);
  }

  /** Shows lines up to a time: what happened earlier can hardly come any more. */
  #show(untilUs: number): void {
    const due = this.#waiting.filter(({ atUs }) => atUs <= untilUs);
    if (due.length === 0) return;
    this.#waiting = this.#waiting.filter(({ atUs }) => atUs > untilUs);
    due.sort((a, b) => a.atUs - b.atUs);
    for (const line of due) {
      for (const subscriber of this.#subscribers) {
        const { subjects } = line;
        if (subjects.length === 0 || subjects.includes(subscriber.bare)) this.#showTo(subscriber, line);
      }
    }
  }

  #showTo(subscriber: Subscriber, { subjects: _, atUs, ...line }: TraceLine): void {
    const timeUs = Math.round(atUs + this.#offsetUs);
    if (subscriber.lost > 0) {
      const step = `${subscriber.lost} steps not shown`;
      if (!subscriber.show({ ...line, time: isoTime(timeUs), timeUs, step })) {
        subscriber.lost++;
        return;
      }
      subscriber.lost = 0;
    }
    if (!subscriber.show({ ...line, time: isoTime(timeUs), timeUs })) subscriber.lost++;
  }
}

function monotonicUs(): number {
  return Number(process.hrtime.bigint()) / 1_000;
}

function isoTime(timeUs: number): string {
  const iso = new Date(Math.floor(timeUs / 1_000)).toISOString();
  return `${iso.slice(0, -1)}${String(timeUs % 1_000).padStart(3, '0')}Z`;
}
