import type { Element } from '../../xml/element.ts';
import type { Jid } from '../../xmpp/jid.ts';

/** One child of a container, or of `<user/>`, that is to be taken. */
export interface PortableEntry {
  readonly element: Element;
  /** How many entries that are the same, character for character, came before it in the user's data. */
  readonly ordinal: number;
}

/**
 * What came of an entry: it is stored now, or was there already; `differs`: something else is in its place, and stays; it was not what it should be, or was too
 * much for the account's limits.
 */
export type PortableOutcome =
  | 'taken'
  | 'known'
  | { readonly code: 'differs' | 'invalid' | 'full'; readonly text: string };

/** Entries of a user, each as XML that stands in the namespace of the part, and where the next ones begin; null after the last. */
export interface PortablePage {
  readonly entries: readonly string[];
  readonly next: string | null;
  /** Entries that were left out because they are damaged in the database. */
  readonly damaged?: number;
}

/**
 * A kind of data as XEP-0227 has it in `<user/>`. Both functions reject when the store cannot; what was taken until then stays, and the same may be
 * given once more: taking something twice changes nothing.
 */
export interface PortablePart {
  /** The child of `<user/>`: its name and namespace. */
  readonly name: string;
  readonly ns: string;
  /** Whether the entries are its children. Else it is an entry itself, and there may be several. */
  readonly isContainer: boolean;
  /** Entries behind `after` (null: from the first one on): a page of about 256 KiB at most, unless one is larger. */
  read(user: Jid, after: string | null): Promise<PortablePage>;
  /** Takes entries of an account that exists. The outcomes are in their order. */
  write(user: Jid, entries: readonly PortableEntry[]): Promise<readonly PortableOutcome[]>;
}
