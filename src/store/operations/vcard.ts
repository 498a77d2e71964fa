/** What vCards can be searched for, beside the name of the account, in the order of their texts. */
export const VCARD_FIELDS = [
  'fn',
  'first',
  'middle',
  'last',
  'nick',
  'bday',
  'ctry',
  'locality',
  'email',
  'orgname',
  'orgunit',
] as const;

export type VcardField = (typeof VCARD_FIELDS)[number];

/** A condition of a search: the folded text of a field is `value`, or begins with it. */
export interface VcardCondition {
  readonly field: VcardField | 'user';
  readonly value: string;
  readonly isPrefix: boolean;
}

export interface VcardMatch {
  readonly username: string;
  /** Texts as they were written, in the order of {@link VCARD_FIELDS}. */
  readonly shown: readonly string[];
}

/** vCards (XEP-0054), and the search over them (XEP-0055). */
export interface VcardOperations {
  vcard_get: { args: [domain: string, username: string]; result: string | null };
  /** `folded` and `shown` are in the order of {@link VCARD_FIELDS}; an empty text is found by nobody. */
  vcard_set: {
    args: [
      domain: string,
      username: string,
      xml: string,
      folded: readonly string[],
      shown: readonly string[],
      now: number,
    ];
    result: null;
  };
  /**
   * Accounts whose vCard meets all conditions (of which there is at least one), by name: at most `limit`, found among `looksMax` that meet one of them, with
   * about `bytesMax` bytes of text.
   */
  vcard_search: {
    args: [
      domain: string,
      conditions: readonly VcardCondition[],
      limit: number,
      looksMax: number,
      bytesMax: number,
    ];
    result: VcardMatch[];
  };
  vcard_remove_user: { args: [domain: string, username: string]; result: number };
  vcard_remove_domain: { args: [domain: string]; result: number };
}

/** Those that write nothing. */
export const VCARD_READS = [
  'vcard_get',
  'vcard_search',
] as const satisfies readonly (keyof VcardOperations)[];
