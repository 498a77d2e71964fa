import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { AdminError } from '../admin/errors.ts';
import { describePart, KEPT_BY, type PartName } from '../portable/format.ts';
import type { Item } from '../portable/items.ts';
import type { Place } from '../portable/problem.ts';
import type { LossReport } from '../portable/report.ts';
import type { AccountOutcome } from '../shard/portable-accounts.ts';
import type { EntryOutcome, ImportOutcome } from '../shard/portable-import.ts';
import { serialize } from '../xml/writer.ts';
import type { Ask } from './server-access.ts';

/** A request: characters of JSON, and entries. The server takes at most 1 MiB and 2,000. */
const REQUEST_CHARS_MAX = 262_144;
const ENTRY_CHARS_MAX = 900_000;
const REQUEST_ENTRIES_MAX = 1_000;
/** Entries of a user that are remembered in order to count equal ones. */
const EQUAL_MAX = 100_000;
/** When the store is away for a moment: pauses in milliseconds before the next tries. */
const PAUSES_MS = [500, 1_000, 2_000, 4_000, 8_000];

/** What has been done so far. */
export interface Tally {
  users: number;
  accounts: number;
  entries: number;
  known: number;
}

interface Waiting {
  readonly part: PartName;
  readonly place: Place;
  readonly json: {
    readonly name: string;
    readonly ns: string;
    readonly xml: string;
    readonly ordinal: number;
  };
}

/** Sends one user of a file to the server, in requests of bounded size, one after another. */
export class UserImport {
  readonly #ask: Ask;
  readonly #domain: string;
  readonly #user: Extract<Item, { kind: 'user' }>;
  readonly #report: LossReport;
  readonly #tally: Tally;
  readonly #equal = new Map<string, number>();
  #waiting: Waiting[] = [];
  #chars = 0;
  #requests = 0;
  #account: AccountOutcome | undefined;
  #isLocked = false;
  #isCounted = false;

  constructor(
    ask: Ask,
    domain: string,
    user: Extract<Item, { kind: 'user' }>,
    report: LossReport,
    tally: Tally,
  ) {
    this.#ask = ask;
    this.#domain = domain;
    this.#user = user;
    this.#report = report;
    this.#tally = tally;
  }

  /** Its address, as far as the file says. */
  get jid(): string {
    return `${this.#user.name}@${this.#domain}`;
  }

  /** Whether enough has come for a request. */
  get isFull(): boolean {
    return this.#chars >= REQUEST_CHARS_MAX || this.#waiting.length >= REQUEST_ENTRIES_MAX;
  }

  add({ part, element, place }: Extract<Item, { kind: 'entry' }>): void {
    const xml = serialize(element);
    const json = { ...part, xml, ordinal: this.#ordinal(part, xml) };
    const { length } = JSON.stringify(json);
    if (length > ENTRY_CHARS_MAX) {
      const text = `more than ${ENTRY_CHARS_MAX} characters`;
      this.#report.add({ code: 'too_large', what: describePart(part), text, place }, this.jid);
      return;
    }
    this.#chars += length;
    this.#waiting.push({ part, place, json });
  }

  /** Sends what has come. */
  async flush(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#chars = 0;
    const isFirst = this.#requests++ === 0;
    const request = {
      domain: this.#domain,
      name: this.#user.name,
      ...(isFirst && this.#user.password !== undefined ? { password: this.#user.password } : {}),
      entries: waiting.map(({ json }) => json),
    };
    let outcome: ImportOutcome;
    try {
      outcome = (await patiently(() => this.#ask('import_user', request))) as ImportOutcome;
    } catch (cause) {
      if (!(cause instanceof AdminError) || cause.code !== 'invalid_jid') throw cause;
      const what = 'user';
      if (isFirst)
        this.#report.add({ code: 'invalid', what, text: cause.message, place: this.#user.place }, this.jid);
      for (const entry of waiting) this.#lost(entry, { code: 'account', text: 'the user has no valid name' });
      return;
    }
    this.#accountIs(outcome.account);
    for (const [i, entry] of waiting.entries()) this.#entryIs(entry, outcome.entries[i]!);
  }

  /** The user is complete. */
  async finish(): Promise<void> {
    if (this.#requests === 0 || this.#waiting.length > 0) await this.flush();
    this.#tally.users++;
    if (this.#isLocked) {
      const text = 'nobody can log in until it is set: meerkat user passwd';
      this.#report.add({ code: 'no_password', what: 'account', text, place: this.#user.place }, this.jid);
    }
  }

  #accountIs(account: AccountOutcome): void {
    this.#isLocked = account === 'locked' || account === 'made_locked';
    if (!this.#isCounted && (account === 'taken' || account === 'made_locked')) {
      this.#isCounted = true;
      this.#tally.accounts++;
    }
    const before = this.#account;
    this.#account = account;
    if (typeof account !== 'object' || (typeof before === 'object' && before.code === account.code)) return;
    const code = account.code === 'refused' ? 'account' : account.code;
    this.#report.add({ code, what: 'account', text: account.text, place: this.#user.place }, this.jid);
  }

  #entryIs(entry: Waiting, outcome: EntryOutcome): void {
    if (outcome === 'taken') this.#tally.entries++;
    else if (outcome === 'known') this.#tally.known++;
    else this.#lost(entry, outcome);
  }

  #lost({ part, place }: Waiting, { code, text }: Exclude<EntryOutcome, string>): void {
    const what = describePart(part);
    if (code !== 'module_not_loaded') {
      this.#report.add({ code, what, text, place }, this.jid);
      return;
    }
    const keeper = KEPT_BY.find(({ name, ns }) => name === part.name && ns === part.ns)?.module;
    if (keeper === undefined) this.#report.add({ code: 'unknown', what, place }, this.jid);
    else this.#report.add({ code, what, text: `${keeper} does not run`, place }, this.jid);
  }

  /** How many that are the same came before: a message may well be there twice. */
  #ordinal({ name, ns }: PartName, xml: string): number {
    const key = createHash('sha1').update(`${ns} ${name} ${xml}`).digest('latin1');
    const count = this.#equal.get(key) ?? 0;
    if (count > 0 || this.#equal.size < EQUAL_MAX) this.#equal.set(key, count + 1);
    return count;
  }
}

/** What was not done because the store or a shard is away may be asked for again: taking something twice changes nothing. */
async function patiently(ask: () => Promise<unknown>): Promise<unknown> {
  for (const ms of PAUSES_MS) {
    try {
      return await ask();
    } catch (cause) {
      const isPassing =
        cause instanceof AdminError && (cause.code === 'store_unavailable' || cause.code === 'not_ready');
      if (!isPassing) throw cause;
      await pause(ms);
    }
  }
  return await ask();
}
