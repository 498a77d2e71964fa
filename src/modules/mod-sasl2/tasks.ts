import { type Element, type LoginTask, type SaslSuccess, saslFailure, type TaskResult } from '../module.ts';

/** What a client does after the mechanism has succeeded (XEP-0388 §2.6.3): one task after the other, until nothing is asked for any more. */
export class Tasks {
  /** What the mechanism ended with. */
  readonly success: SaslSuccess;
  /** Whether there was an account of this name when the mechanism succeeded. */
  readonly hadAccount: boolean;
  /** The names of those that are done. */
  readonly done: string[] = [];
  /** What they said at their end, for the `<success/>`. */
  readonly told: Element[] = [];
  #offered: readonly LoginTask[] = [];
  #current: LoginTask | undefined = undefined;

  constructor(success: SaslSuccess, hadAccount: boolean) {
    this.success = success;
    this.hadAccount = hadAccount;
  }

  /** The client is told to choose one of these. */
  offer(tasks: readonly LoginTask[]): void {
    this.#offered = tasks;
    this.#current = undefined;
  }

  /** Whether the client may send this now: `<next/>` to begin a task, `<task-data/>` within one. */
  expects({ name }: Element): boolean {
    return name === (this.#current === undefined ? 'next' : 'task-data');
  }

  /** Takes an element that is {@link expects}ed. Never rejects. */
  async step(element: Element): Promise<TaskResult> {
    const { username } = this.success;
    const name = element.attribute('task');
    this.#current ??= this.#offered.find((task) => task.name === name);
    // As for a mechanism that was not offered.
    if (this.#current === undefined) return saslFailure('invalid-mechanism', undefined, username);
    try {
      const result = await this.#current.step(element);
      if (result.kind === 'done') {
        this.done.push(this.#current.name);
        this.told.push(...result.children);
      }
      return result;
    } catch (error) {
      return saslFailure('temporary-auth-failure', undefined, username, error);
    }
  }
}
