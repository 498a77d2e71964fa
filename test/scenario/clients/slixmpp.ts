import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { endsWithUs, withUs } from '../../helpers/children.ts';
import {
  Arrivals,
  type ChatClient,
  type ClientKind,
  type ClientSettings,
  type HeardMessage,
  type HeardPresence,
} from './chat-client.ts';

const SCRIPT = new URL('slixmpp-client.py', import.meta.url).pathname;
/** Debian's Python has Debian's packages; another one may come first on the path. */
const PYTHONS = ['/usr/bin/python3', 'python3'];
const python = PYTHONS.find((program) => spawnSync(program, ['-c', 'import slixmpp']).status === 0);

export const SLIXMPP_MISSING =
  python === undefined ? 'slixmpp is not installed (Debian: python3-slixmpp)' : undefined;

/** slixmpp, in a process of its own, told not to bind channels: then it uses SCRAM. */
export const SLIXMPP: ClientKind = {
  name: 'slixmpp',
  missing: SLIXMPP_MISSING,
  mechanism: /^SCRAM-SHA-/,
  create: (settings) => new Slixmpp(settings, ['--unbound']),
};

/**
 * slixmpp as it comes. Version 1.8 knows one type of channel binding, `tls-unique`, and tries it with every mechanism, although TLS 1.3 does not have it and
 * it is not offered; it falls back to PLAIN, if it is let.
 */
export const SLIXMPP_AS_IT_COMES: ClientKind = {
  name: 'slixmpp as it comes',
  missing: SLIXMPP_MISSING,
  mechanism: /^(SCRAM-SHA-.*|PLAIN)$/,
  create: (settings) => new Slixmpp(settings, []),
};

type Event =
  | { readonly event: 'failed'; readonly why: string }
  | { readonly event: 'done'; readonly id: number; readonly result?: unknown; readonly error?: string }
  /** What {@link Slixmpp.next} is asked for. */
  | { readonly event: 'other' };

export class Slixmpp implements ChatClient {
  readonly #jid: string;
  readonly #child: ChildProcess;
  /** By the names of events. */
  readonly #arrivals = new Map<string, Arrivals<unknown>>();
  readonly #waiting = new Map<number, (event: Extract<Event, { event: 'done' }>) => void>();
  #ids = 0;
  /** What went wrong, for the message of a test that fails. */
  #complaints = '';

  /** `given`: options of the script. */
  constructor({ jid, port, certfile, resumes }: ClientSettings, given: readonly string[]) {
    const options = resumes === true ? [...given, '--resume'] : given;
    this.#jid = jid;
    const command = withUs(python!, ['-B', SCRIPT, jid, String(port), certfile, ...options]);
    this.#child = endsWithUs(spawn(...command, { stdio: ['pipe', 'pipe', 'pipe'] }));
    this.#child.stderr!.on('data', (data: Buffer) => {
      this.#complaints += data.toString();
    });
    createInterface({ input: this.#child.stdout! }).on('line', (line) =>
      this.#heard(JSON.parse(line) as Event),
    );
  }

  #heard(event: Event): void {
    switch (event.event) {
      case 'failed':
        this.#complaints += `${event.why}\n`;
        break;
      case 'done':
        this.#waiting.get(event.id)?.(event);
        this.#waiting.delete(event.id);
        break;
      default:
        this.#arrived(event.event).push(event);
    }
  }

  #arrived(event: string): Arrivals<unknown> {
    let arrivals = this.#arrivals.get(event);
    if (arrivals === undefined) {
      arrivals = new Arrivals(`${event} of ${this.#jid}`);
      this.#arrivals.set(event, arrivals);
    }
    return arrivals;
  }

  /** The next event of a name. */
  async next<T>(event: string): Promise<T> {
    try {
      return (await this.#arrived(event).next()) as T;
    } catch (cause) {
      throw new Error(`slixmpp: ${this.#complaints}`, { cause });
    }
  }

  /** Has something done; resolves when it is. */
  perform(what: object): Promise<unknown> {
    const id = ++this.#ids;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ error, result }) =>
        error === undefined ? resolve(result) : reject(new Error(error)),
      );
      this.#child.stdin!.write(`${JSON.stringify({ ...what, id })}\n`);
    });
  }

  async login(): Promise<{ jid: string; mechanism: string }> {
    await this.perform({ do: 'login' });
    return await this.online();
  }

  online(): Promise<{ jid: string; mechanism: string }> {
    return this.next('online');
  }

  async say(to: string, body: string): Promise<void> {
    await this.perform({ do: 'say', to, body });
  }

  message(): Promise<HeardMessage> {
    return this.next('message');
  }

  show(to: string): void {
    void this.perform({ do: 'show', to });
  }

  presence(): Promise<HeardPresence> {
    return this.next('presence');
  }

  async features(of: string): Promise<readonly string[]> {
    return (await this.perform({ do: 'features', of })) as string[];
  }

  async ping(to: string): Promise<void> {
    await this.perform({ do: 'ping', to });
  }

  async resumed(): Promise<void> {
    await this.next('resumed');
  }

  async logout(): Promise<void> {
    await this.perform({ do: 'logout' });
    await this.next('disconnected');
  }

  async dispose(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await ended;
  }
}
