import type { Element } from '../xml/element.ts';
import type { PartName } from './format.ts';
import type { Place } from './problem.ts';

/** Why something was not taken. `docs/import-export.md` explains each. */
export type LossCode =
  | 'account'
  | 'attribute'
  | 'differs'
  | 'full'
  | 'include'
  | 'invalid'
  | 'module_not_loaded'
  | 'no_password'
  | 'text'
  | 'too_large'
  | 'unknown'
  | 'unknown_host';

/** Something that was not taken: why, what it was, and more for people. */
export interface Loss {
  readonly code: LossCode;
  readonly what: string;
  readonly text?: string | undefined;
  readonly place: Place;
}

/** What a file to import consists of, in its order. */
export type Item =
  | { readonly kind: 'host'; readonly jid: string; readonly place: Place }
  | {
      readonly kind: 'user';
      readonly name: string;
      readonly password: string | undefined;
      readonly place: Place;
    }
  /** A contact, a message, a vCard …: a child of one of the containers, or a child of the user by itself; then `part` is its own name. */
  | { readonly kind: 'entry'; readonly part: PartName; readonly element: Element; readonly place: Place }
  | { readonly kind: 'user_end' }
  | { readonly kind: 'host_end' }
  /** Another file comes here. */
  | { readonly kind: 'include'; readonly href: string; readonly level: Level; readonly place: Place }
  | { readonly kind: 'loss'; readonly loss: Loss };

/** Whose child the root of a document is: that of the main file is nobody's. */
export type Level = 'file' | 'server-data' | 'host' | 'user';
