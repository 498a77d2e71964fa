import type { Item } from '../portable/items.ts';
import { FileProblem } from '../portable/problem.ts';
import { readPortable } from '../portable/read.ts';
import { type LossKind, LossReport } from '../portable/report.ts';
import { parseDomain } from '../xmpp/jid.ts';
import { type Tally, UserImport } from './import-user.ts';
import type { Ask } from './server-access.ts';

/** Users that are under way at a time: each waits for commits of the store. */
const USERS_AT_ONCE = 8;

/** What an import has done. */
export interface ImportReport {
  readonly files: readonly string[];
  /** Users read, accounts made, entries that were stored, and that were there already. */
  readonly users: number;
  readonly accounts: number;
  readonly entries: number;
  readonly known: number;
  readonly lost: number;
  readonly losses: readonly LossKind[];
  /** Why it ended before the end of the file; null when it did not. */
  readonly problem: string | null;
}

/**
 * Imports files of XEP-0227, one after another: reads each as a stream, and sends each user as soon as it has been read. Never rejects: the report says what was
 * done until then.
 */
export async function importFiles(files: readonly string[], ask: Ask): Promise<ImportReport> {
  const report = new LossReport();
  const tally: Tally = { users: 0, accounts: 0, entries: 0, known: 0 };
  const run = new FileImport(ask, report, tally);
  let problem: string | null = null;
  try {
    for (const file of files) await run.read(readPortable(file));
  } catch (cause) {
    problem = cause instanceof FileProblem ? cause.message : `the server: ${(cause as Error).message}`;
  }
  // What is under way comes to its end, or to the same problem.
  problem = (await run.settle()) ?? problem;
  return { files, ...tally, lost: report.total, losses: report.kinds(), problem };
}

class FileImport {
  readonly #ask: Ask;
  readonly #report: LossReport;
  readonly #tally: Tally;
  readonly #running = new Set<Promise<void>>();
  #domains: ReadonlySet<string> = new Set();
  #domain: string | undefined;
  #user: UserImport | undefined;
  #failure: Error | undefined;

  constructor(ask: Ask, report: LossReport, tally: Tally) {
    this.#ask = ask;
    this.#report = report;
    this.#tally = tally;
  }

  async read(items: Iterable<Item>): Promise<void> {
    this.#domains = new Set((await this.#ask('domains')) as string[]);
    for (const item of items) {
      await this.#handle(item);
      if (this.#failure !== undefined) throw this.#failure;
    }
  }

  /** Waits for what is under way. Resolves to why something of it failed. */
  async settle(): Promise<string | undefined> {
    await Promise.all(this.#running);
    return this.#failure === undefined ? undefined : `the server: ${this.#failure.message}`;
  }

  async #handle(item: Item): Promise<void> {
    switch (item.kind) {
      case 'host':
        this.#openHost(item);
        break;
      case 'user':
        if (this.#domain !== undefined)
          this.#user = new UserImport(this.#ask, this.#domain, item, this.#report, this.#tally);
        else this.#report.add({ code: 'unknown_host', what: 'user', place: item.place }, item.name);
        break;
      case 'entry': {
        const user = this.#user;
        if (user === undefined) break;
        user.add(item);
        // A user that needs several requests is read no faster than they are answered.
        if (user.isFull) await user.flush();
        break;
      }
      case 'user_end':
        await this.#finishUser();
        break;
      case 'loss':
        this.#report.add(item.loss, this.#user?.jid);
        break;
      default:
        break;
    }
  }

  #openHost({ jid, place }: Extract<Item, { kind: 'host' }>): void {
    const domain = parseDomain(jid);
    this.#domain = domain !== undefined && this.#domains.has(domain) ? domain : undefined;
    if (this.#domain === undefined) {
      const text = 'this server does not serve it: general.hosts';
      this.#report.add({ code: 'unknown_host', what: `host ${jid}`, text, place });
    }
  }

  async #finishUser(): Promise<void> {
    const user = this.#user;
    this.#user = undefined;
    if (user === undefined) return;
    const work: Promise<void> = user.finish().then(
      () => void this.#running.delete(work),
      (cause: Error) => {
        this.#failure ??= cause;
        this.#running.delete(work);
      },
    );
    this.#running.add(work);
    if (this.#running.size >= USERS_AT_ONCE) await Promise.race(this.#running);
  }
}
