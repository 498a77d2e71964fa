import { type ChildProcess, spawn } from 'node:child_process';
import type { ProgramConfig } from '../config/config.ts';
import { Calls, type PoolLog } from './calls.ts';
import { OutgoingError } from './errors.ts';

/** What the length in front of a question can say. */
const QUESTION_BYTES_MAX = 65_535;
const ANSWER_BYTES = 4;
const TRUE = Buffer.from([0, 2, 0, 1]);
const FALSE = Buffer.from([0, 2, 0, 0]);

/**
 * Copies of a program that answers questions on its standard streams, as ejabberd's external authentication does: two bytes of length and a text
 * go in, `00 02 00 01` (yes) or `00 02 00 00` (no) comes out. A copy is asked one thing at a time. One that is late, ends or says something
 * else is replaced before anybody asks again: what it would say next could be the answer to an earlier question.
 */
export class ProgramPool {
  readonly #config: ProgramConfig;
  readonly #calls: Calls;
  readonly #idle: Instance[] = [];
  readonly #all = new Set<Instance>();

  constructor(config: ProgramConfig, log: PoolLog) {
    this.#config = config;
    this.#calls = new Calls({
      name: config.name,
      activeMax: config.instances,
      waitingMax: config.queueMax,
      timeoutMs: config.callTimeoutMs,
      log,
    });
  }

  /** Asks one question. Rejects with {@link OutgoingError} when the program does not answer. */
  ask(question: string): Promise<boolean> {
    const bytes = Buffer.from(question);
    if (bytes.length > QUESTION_BYTES_MAX) return Promise.resolve(false);
    const frame = Buffer.alloc(bytes.length + 2);
    frame.writeUInt16BE(bytes.length);
    bytes.copy(frame, 2);
    return this.#calls.run(async (signal) => {
      const instance = this.#take();
      const stop = (): void => instance.stop();
      signal.addEventListener('abort', stop, { once: true });
      try {
        return await instance.ask(frame);
      } finally {
        signal.removeEventListener('abort', stop);
        if (!instance.hasEnded) this.#idle.push(instance);
      }
    });
  }

  /** Ends all copies. */
  close(): void {
    this.#calls.close();
    for (const instance of this.#all) instance.stop();
    this.#idle.length = 0;
  }

  /** Round robin: the copy that was asked longest ago. They are started when they are first needed. */
  #take(): Instance {
    for (;;) {
      const instance = this.#all.size < this.#config.instances ? undefined : this.#idle.shift();
      if (instance?.hasEnded) continue;
      if (instance !== undefined) return instance;
      const started: Instance = new Instance(this.#config, () => this.#ended(started));
      this.#all.add(started);
      return started;
    }
  }

  #ended(instance: Instance): void {
    this.#all.delete(instance);
    const at = this.#idle.indexOf(instance);
    if (at >= 0) this.#idle.splice(at, 1);
  }
}

interface Question {
  readonly resolve: (answer: boolean) => void;
  readonly reject: (error: OutgoingError) => void;
}

/** One copy of the program. */
class Instance {
  readonly #name: string;
  readonly #child: ChildProcess;
  #question: Question | undefined = undefined;
  #answer = Buffer.alloc(0);
  hasEnded = false;
  readonly #onEnd: () => void;

  constructor({ name, command, args }: ProgramConfig, onEnd: () => void) {
    this.#name = name;
    this.#onEnd = onEnd;
    // Its complaints go where the server's own log goes.
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.once('error', (error: NodeJS.ErrnoException) => this.#fail(`cannot be run: ${error.code}`));
    this.#child.once('exit', (code, signal) => this.#fail(`ended with ${code ?? signal}`));
    this.#child.stdin!.on('error', () => {});
    this.#child.stdout!.on('data', (data: Buffer) => this.#read(data));
  }

  ask(frame: Buffer): Promise<boolean> {
    if (this.hasEnded) return Promise.reject(new OutgoingError('down', `${this.#name} has ended`));
    return new Promise((resolve, reject) => {
      this.#question = { resolve, reject };
      this.#child.stdin!.write(frame);
    });
  }

  stop(): void {
    this.#fail('was stopped');
  }

  #read(data: Buffer): void {
    const answer = Buffer.concat([this.#answer, data]);
    if (this.#question === undefined || answer.length > ANSWER_BYTES) {
      this.#fail('said something that nobody asked for');
      return;
    }
    this.#answer = answer;
    if (answer.length < ANSWER_BYTES) return;
    const isTrue = answer.equals(TRUE);
    if (!isTrue && !answer.equals(FALSE)) {
      this.#fail('gave an answer that is neither yes nor no');
      return;
    }
    this.#answer = Buffer.alloc(0);
    const { resolve } = this.#question;
    this.#question = undefined;
    resolve(isTrue);
  }

  #fail(why: string): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.#onEnd();
    this.#child.stdout?.destroy();
    this.#child.stdin?.destroy();
    this.#child.kill('SIGKILL');
    const question = this.#question;
    this.#question = undefined;
    question?.reject(new OutgoingError('down', `${this.#name} ${why}`));
  }
}
