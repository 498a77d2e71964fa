import { type Element, VCARD_FIELDS, type VcardField } from '../module.ts';

/** What a search form asks for, with what people call it. */
export const SEARCH_FIELDS = [
  { name: 'user', label: 'User' },
  { name: 'fn', label: 'Full Name' },
  { name: 'first', label: 'Given Name' },
  { name: 'middle', label: 'Middle Name' },
  { name: 'last', label: 'Family Name' },
  { name: 'nick', label: 'Nickname' },
  { name: 'bday', label: 'Birthday' },
  { name: 'ctry', label: 'Country' },
  { name: 'locality', label: 'City' },
  { name: 'email', label: 'Email' },
  { name: 'orgname', label: 'Organization Name' },
  { name: 'orgunit', label: 'Organization Unit' },
] as const satisfies readonly { name: VcardField | 'user'; label: string }[];

/** Where a vCard has the text of a field: element names from the outside in. The first that is there counts. */
const PATHS: Readonly<Record<VcardField, readonly (readonly string[])[]>> = {
  fn: [['FN']],
  first: [['N', 'GIVEN']],
  middle: [['N', 'MIDDLE']],
  last: [['N', 'FAMILY']],
  nick: [['NICKNAME']],
  bday: [['BDAY']],
  ctry: [['ADR', 'CTRY']],
  locality: [['ADR', 'LOCALITY']],
  email: [['EMAIL', 'USERID'], ['EMAIL']],
  orgname: [['ORG', 'ORGNAME']],
  orgunit: [['ORG', 'ORGUNIT']],
};

/** A text that is searched for, in bytes. */
const TEXT_BYTES_MAX = 1_023;

/** Characters that no name has: controls (but for white space), private ones, and code points that are no characters. */
const NOT_IN_TEXT = /[\p{Cc}\p{Co}\p{Cs}\p{Noncharacter_Code_Point}]/u;
const WHITE_SPACE = /\s+/gu;
const NOT_IN_NICK = /[^\p{L}\p{M}\p{N}]/gu;

/** What is kept of a vCard for searching, in the order of {@link VCARD_FIELDS}; or the field whose text is not acceptable. */
export type Searchable =
  | { readonly folded: readonly string[]; readonly shown: readonly string[] }
  | { readonly invalid: VcardField };

/** Reads the texts out of a vCard that others can search for. */
export function searchable(vcard: Element): Searchable {
  const folded: string[] = [];
  const shown: string[] = [];
  for (const field of VCARD_FIELDS) {
    const text = textOf(vcard, field);
    const comparable = fold(field, text);
    if (comparable === undefined) return { invalid: field };
    folded.push(comparable);
    shown.push(text);
  }
  return { folded, shown };
}

function textOf(vcard: Element, field: VcardField): string {
  for (const path of PATHS[field]) {
    let element: Element | undefined = vcard;
    for (const name of path) element = element?.child(name);
    if (element !== undefined) return element.text().trim();
  }
  return '';
}

/** A text in the form that is compared: without regard to case, to widths and ligatures. Undefined when it is not acceptable. */
export function fold(field: VcardField | 'user', text: string): string | undefined {
  const plain = text.replace(WHITE_SPACE, ' ').trim().normalize('NFKC').toLowerCase().normalize('NFKC');
  if (NOT_IN_TEXT.test(plain) || Buffer.byteLength(plain) > TEXT_BYTES_MAX) return undefined;
  // Nicknames are decorated in many ways; what is read aloud is compared.
  return field === 'nick' ? plain.replace(NOT_IN_NICK, '') : plain;
}
