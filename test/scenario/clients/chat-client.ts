/** What the stories of test/scenario/clients/stories.ts need of a real client library. */

export interface HeardMessage {
  readonly from: string;
  readonly body: string;
  /** It was stored before it was delivered (XEP-0203). */
  readonly isDelayed: boolean;
}

export interface HeardPresence {
  readonly from: string;
  readonly isAvailable: boolean;
}

/** Where a client logs in, and as whom. Its password is `secret`. */
export interface ClientSettings {
  readonly port: number;
  /** The full JID that it asks for. */
  readonly jid: string;
  /** PEM file of the one certificate that it trusts. */
  readonly certfile: string;
  /** Whether it may use stream management (XEP-0198), where it has to be told. */
  readonly resumes?: boolean;
}

/** A client of somebody else's making. */
export interface ChatClient {
  /** Connects, starts TLS, logs in, binds and sends available presence; resolves to the bound JID and the SASL mechanism used. */
  login(): Promise<{ readonly jid: string; readonly mechanism: string }>;
  say(to: string, body: string): void;
  /** The next message that it got. */
  message(): Promise<HeardMessage>;
  /** Sends available presence to one address. */
  show(to: string): void;
  /** The next presence of another account that it got. */
  presence(): Promise<HeardPresence>;
  /** Features that an entity names (XEP-0030). */
  features(of: string): Promise<readonly string[]>;
  /** XEP-0199; resolves when the answer is there. */
  ping(to: string): Promise<void>;
  /** Resolves as soon as it is logged in again after its connection was lost. */
  online(): Promise<{ readonly jid: string }>;
  /** Resolves as soon as it has resumed its session after its connection was lost (XEP-0198). */
  resumed(): Promise<void>;
  /** Sends unavailable presence and closes the stream. */
  logout(): Promise<void>;
  /** Ends whatever is left of it. */
  dispose(): Promise<void>;
}

/** A kind of client, and whether it can be run here. */
export interface ClientKind {
  readonly name: string;
  /** Why it cannot be run here; undefined when it can. */
  readonly missing: string | undefined;
  /** SASL mechanisms that it logs in with. */
  readonly mechanism: RegExp;
  create(settings: ClientSettings): ChatClient;
}

/**
 * What is missing keeps a developer's machine from running some of the stories, but not continuous integration: with `TEST_ALL_CLIENTS=1` a client that
 * is not installed is a failure.
 */
export function isSkipped(missing: string | undefined): boolean {
  if (missing !== undefined && process.env.TEST_ALL_CLIENTS === '1') throw new Error(missing);
  return missing !== undefined;
}

/** Things that arrive, for somebody who waits for them one by one. */
export class Arrivals<T> {
  readonly #items: T[] = [];
  readonly #what: string;
  #waiting: (() => void) | undefined;

  constructor(what: string) {
    this.#what = what;
  }

  push(item: T): void {
    this.#items.push(item);
    this.#waiting?.();
  }

  /** The next one; fails if it does not come. */
  async next(): Promise<T> {
    const patience = setTimeout(() => this.#waiting?.(), 60_000);
    const until = Date.now() + 60_000;
    try {
      while (this.#items.length === 0) {
        if (Date.now() >= until) throw new Error(`this did not arrive: ${this.#what}`);
        await new Promise<void>((resolve) => {
          this.#waiting = resolve;
        });
      }
      return this.#items.shift()!;
    } finally {
      clearTimeout(patience);
    }
  }
}
