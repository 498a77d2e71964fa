import type { Jid } from '../module.ts';

/**
 * With whom a session shares presence. Every online user has one, so it is one array: those who see us and whom we see, then those who only see us, then
 * those whom we only see. Each part is in order, so that somebody is found in a few steps. It never changes: a change makes another one.
 */
export class Contacts {
  readonly #jids: readonly Jid[];
  /** Where the first and the second part end. */
  readonly #bothEnd: number;
  readonly #fromEnd: number;

  private constructor(both: readonly Jid[], from: readonly Jid[], to: readonly Jid[]) {
    this.#jids = from.length === 0 && to.length === 0 ? both : [...both, ...from, ...to];
    this.#bothEnd = both.length;
    this.#fromEnd = both.length + from.length;
  }

  static readonly NONE = new Contacts([], [], []);

  /** `from`: those who see us; `to`: those whom we see. Both may name somebody twice. The lists must not change any more. */
  static of(from: readonly Jid[], to: readonly Jid[]): Contacts {
    if (from.length === 0 && to.length === 0) return Contacts.NONE;
    const seeing = sorted(from);
    // Most rosters have mutual contacts only, and give one list for both: it need not be compared with itself.
    if (from === to) return new Contacts(seeing, [], []);
    const seen = sorted(to);
    const both = seeing.filter((jid) => indexIn(seen, jid.bare, 0, seen.length) >= 0);
    const isOneSided = (jid: Jid): boolean => indexIn(both, jid.bare, 0, both.length) < 0;
    return new Contacts(both, seeing.filter(isOneSided), seen.filter(isOneSided));
  }

  /** Those who see us. The list is the caller's. */
  from(): Jid[] {
    return this.#jids.slice(0, this.#fromEnd);
  }

  /** Those whom we see. The list is the caller's. */
  to(): Jid[] {
    return [...this.#jids.slice(0, this.#bothEnd), ...this.#jids.slice(this.#fromEnd)];
  }

  /** Whether the account of that bare JID sees us. */
  isSeenBy(bare: string): boolean {
    return (
      indexIn(this.#jids, bare, 0, this.#bothEnd) >= 0 ||
      indexIn(this.#jids, bare, this.#bothEnd, this.#fromEnd) >= 0
    );
  }

  /** Whether we see the account of that bare JID. */
  sees(bare: string): boolean {
    return (
      indexIn(this.#jids, bare, 0, this.#bothEnd) >= 0 ||
      indexIn(this.#jids, bare, this.#fromEnd, this.#jids.length) >= 0
    );
  }

  /** The same with one contact as it is now. */
  with(contact: Jid, seesUs: boolean, isSeen: boolean): Contacts {
    if (this.isSeenBy(contact.bare) === seesUs && this.sees(contact.bare) === isSeen) return this;
    const isOther = (jid: Jid): boolean => jid.bare !== contact.bare;
    const from = this.from().filter(isOther);
    const to = this.to().filter(isOther);
    if (seesUs) from.push(contact);
    if (isSeen) to.push(contact);
    return Contacts.of(from, to);
  }
}

/** By bare JID, each once. A list that is so already, as the store gives it, is not copied. */
function sorted(jids: readonly Jid[]): readonly Jid[] {
  if (isInOrder(jids)) return jids;
  const all = jids.map((jid) => jid.bareJid).sort(byBareJid);
  return all.filter((jid, i) => i === 0 || jid.bare !== all[i - 1]!.bare);
}

function isInOrder(jids: readonly Jid[]): boolean {
  for (let i = 0; i < jids.length; i++) {
    if (!jids[i]!.isBare || (i > 0 && jids[i - 1]!.bare >= jids[i]!.bare)) return false;
  }
  return true;
}

function byBareJid(a: Jid, b: Jid): number {
  return a.bare < b.bare ? -1 : a.bare > b.bare ? 1 : 0;
}

/** Where `bare` is in the part `start..end` of a list in order; negative when it is not there. */
function indexIn(jids: readonly Jid[], bare: string, start: number, end: number): number {
  let low = start;
  let high = end - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const found = jids[middle]!.bare;
    if (found === bare) return middle;
    if (found < bare) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
