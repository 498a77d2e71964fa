import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
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

const missing = python === undefined ? 'slixmpp is not installed (Debian: python3-slixmpp)' : undefined;

/** slixmpp, in a process of its own, told not to bind channels: then it uses SCRAM. */
export const SLIXMPP: ClientKind = {
  name: 'slixmpp',
  missing,
  mechanism: /^SCRAM-SHA-/,
  create: (settings) => new Slixmpp(settings, ['--unbound']),
};

/**
 * slixmpp as it comes. Version 1.8 knows one type of channel binding, `tls-unique`, and tries it with every mechanism, although TLS 1.3 does not have it and
 * it is not offered; it falls back to PLAIN, if it is let.
 */
export const SLIXMPP_AS_IT_COMES: ClientKind = {
  name: 'slixmpp as it comes',
  missing,
  mechanism: /^(SCRAM-SHA-.*|PLAIN)$/,
  create: (settings) => new Slixmpp(settings, []),
};

type Event =
  | { readonly event: 'online'; readonly jid: string; readonly mechanism: string }
  | ({ readonly event: 'message' } & HeardMessage)
  | ({ readonly event: 'presence' } & HeardPresence)
  | { readonly event: 'resumed' }
  | { readonly event: 'disconnected' }
  | { readonly event: 'failed'; readonly why: string }
  | { readonly event: 'done'; readonly id: number; readonly result?: unknown; readonly error?: string };

class Slixmpp implements ChatClient {
  readonly #child: ChildProcess;
  readonly #messages: Arrivals<HeardMessage>;
  readonly #presences: Arrivals<HeardPresence>;
  readonly #logins: Arrivals<{ jid: string; mechanism: string }>;
  readonly #ends: Arrivals<void>;
  readonly #resumptions: Arrivals<void>;
  readonly #waiting = new Map<number, (event: Extract<Event, { event: 'done' }>) => void>();
  #ids = 0;
  /** What went wrong, for the message of a test that fails. */
  #complaints = '';

  constructor({ jid, port, certfile, resumes }: ClientSettings, given: readonly string[]) {
    const options = resumes === true ? [...given, '--resume'] : given;
    this.#messages = new Arrivals(`a message to ${jid}`);
    this.#presences = new Arrivals(`presence to ${jid}`);
    this.#logins = new Arrivals(`${jid} online`);
    this.#ends = new Arrivals(`the end of the connection of ${jid}`);
    this.#resumptions = new Arrivals(`${jid} resumed`);
    this.#child = spawn(python!, [SCRIPT, jid, String(port), certfile, ...options], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child.stderr!.on('data', (data: Buffer) => {
      this.#complaints += data.toString();
    });
    createInterface({ input: this.#child.stdout! }).on('line', (line) =>
      this.#heard(JSON.parse(line) as Event),
    );
  }

  #heard(event: Event): void {
    switch (event.event) {
      case 'online':
        this.#logins.push(event);
        break;
      case 'message':
        this.#messages.push(event);
        break;
      case 'presence':
        this.#presences.push(event);
        break;
      case 'resumed':
        this.#resumptions.push();
        break;
      case 'disconnected':
        this.#ends.push();
        break;
      case 'failed':
        this.#complaints += `${event.why}\n`;
        break;
      default:
        this.#waiting.get(event.id)?.(event);
        this.#waiting.delete(event.id);
    }
  }

  /** Has something done; resolves when it is. */
  #do(what: object): Promise<unknown> {
    const id = ++this.#ids;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ error, result }) =>
        error === undefined ? resolve(result) : reject(new Error(error)),
      );
      this.#child.stdin!.write(`${JSON.stringify({ ...what, id })}\n`);
    });
  }

  async login(): Promise<{ jid: string; mechanism: string }> {
    await this.#do({ do: 'login' });
    return await this.online();
  }

  async online(): Promise<{ jid: string; mechanism: string }> {
    try {
      return await this.#logins.next();
    } catch (cause) {
      throw new Error(`slixmpp: ${this.#complaints}`, { cause });
    }
  }

  say(to: string, body: string): void {
    void this.#do({ do: 'say', to, body });
  }

  message(): Promise<HeardMessage> {
    return this.#messages.next();
  }

  show(to: string): void {
    void this.#do({ do: 'show', to });
  }

  presence(): Promise<HeardPresence> {
    return this.#presences.next();
  }

  async features(of: string): Promise<readonly string[]> {
    return (await this.#do({ do: 'features', of })) as string[];
  }

  async ping(to: string): Promise<void> {
    await this.#do({ do: 'ping', to });
  }

  async resumed(): Promise<void> {
    try {
      await this.#resumptions.next();
    } catch (cause) {
      throw new Error(`slixmpp: ${this.#complaints}`, { cause });
    }
  }

  async logout(): Promise<void> {
    await this.#do({ do: 'logout' });
    await this.#ends.next();
  }

  async dispose(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await ended;
  }
}
