import type { Element, Jid, StanzaError } from '../module.ts';

/** What a search asks for, or a column of what it finds: the name of the field, and what people call it. */
export interface SearchField {
  readonly name: string;
  readonly label: string;
}

/** Somebody whom a search has found. */
export interface Match {
  readonly username: string;
  /** The texts, in the order of the columns. */
  readonly shown: readonly string[];
}

/** Where vCards are. Everything rejects when there is no answer. */
export interface Cards {
  /** The vCard of an account, as XML; null when there is none. */
  get(user: Jid): Promise<string | null>;
  /** Stores one. Returns why it is refused. */
  set(user: Jid, vcard: Element): Promise<StanzaError | undefined>;
  remove(user: Jid): Promise<unknown>;
  removeDomain(domain: string): Promise<unknown>;
  readonly fields: readonly SearchField[];
  readonly columns: readonly SearchField[];
  /** Users of a domain, at most `limit`, in the order of their names. `asked`: the fields that were filled in, by name; others may be among them. */
  search(
    domain: string,
    asked: ReadonlyMap<string, readonly string[]>,
    limit: number,
  ): Match[] | Promise<Match[]>;
}

/** The one text that a field was filled in with; undefined when it was not, or with several. */
export function textAsked(asked: ReadonlyMap<string, readonly string[]>, name: string): string | undefined {
  const [text, ...more] = asked.get(name) ?? [];
  return text === '' || more.length > 0 ? undefined : text;
}
