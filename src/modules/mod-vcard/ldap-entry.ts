import { Element, NS_VCARD } from '../module.ts';

/** The elements of a vCard that a directory can fill, by the names of MongooseIM; in the order in which they stand in a card. */
export const CARD_FIELDS = [
  'FN',
  'FAMILY',
  'GIVEN',
  'MIDDLE',
  'PREFIX',
  'SUFFIX',
  'NICKNAME',
  'PHOTO',
  'BDAY',
  'POBOX',
  'EXTADD',
  'STREET',
  'LOCALITY',
  'REGION',
  'PCODE',
  'CTRY',
  'TEL',
  'EMAIL',
  'JABBERID',
  'TITLE',
  'ROLE',
  'LOGO',
  'ORGNAME',
  'ORGUNIT',
  'NOTE',
  'URL',
  'DESC',
] as const;

export type CardField = (typeof CARD_FIELDS)[number];

/** One line of `vcard_map`. */
export interface Mapping {
  readonly vcard_field: CardField;
  readonly ldap_pattern: string;
  /** Empty: none. */
  readonly ldap_field: string;
}

/** The fields of a vCard with their texts, pictures in base64. */
export type CardTexts = ReadonlyMap<CardField, readonly string[]>;

/** Pictures: their values are bytes. */
export const PICTURES: ReadonlySet<CardField> = new Set(['PHOTO', 'LOGO']);

/** Fields of which a card may have several (XEP-0054 §4). */
const SEVERAL: ReadonlySet<CardField> = new Set(['TEL', 'EMAIL', 'ORGUNIT']);

/** Elements that stand in others. */
const INSIDE: ReadonlyMap<CardField, string> = new Map([
  ...(['FAMILY', 'GIVEN', 'MIDDLE', 'PREFIX', 'SUFFIX'] as const).map((name) => [name, 'N'] as const),
  ...(['POBOX', 'EXTADD', 'STREET', 'LOCALITY', 'REGION', 'PCODE', 'CTRY'] as const).map(
    (name) => [name, 'ADR'] as const,
  ),
  ...(['ORGNAME', 'ORGUNIT'] as const).map((name) => [name, 'ORG'] as const),
]);

/** Elements whose text stands in another one. */
const TEXT_IN: ReadonlyMap<CardField, string> = new Map([
  ['TEL', 'NUMBER'],
  ['EMAIL', 'USERID'],
]);

/** Characters that XML cannot carry. */
const NOT_IN_XML = /(?![\t\n\r])[\p{Cc}\p{Noncharacter_Code_Point}]/gu;

/** What an entry of the directory says, field by field. `attributes`: its values by the attribute's name in lower case. */
export function textsOf(
  attributes: ReadonlyMap<string, readonly string[]>,
  map: readonly Mapping[],
  user: { readonly username: string; readonly domain: string },
): CardTexts {
  const texts = new Map<CardField, string[]>();
  for (const { vcard_field: field, ldap_pattern: pattern, ldap_field: name } of map) {
    const values = pattern.includes('%s') ? (attributes.get(name.toLowerCase()) ?? []) : [''];
    const known = texts.get(field) ?? [];
    const room = SEVERAL.has(field) ? values.length : Math.max(0, 1 - known.length);
    const more = values.slice(0, room).map((value) => filled(pattern, value, user));
    known.push(...more.filter((text) => text !== ''));
    texts.set(field, known);
  }
  return texts;
}

function filled(
  pattern: string,
  value: string,
  user: { readonly username: string; readonly domain: string },
) {
  const text = pattern.replace(/%[sud]/g, (name) =>
    name === '%s' ? value : name === '%u' ? user.username : user.domain,
  );
  return text.toWellFormed().replace(NOT_IN_XML, '\ufffd');
}

/** The vCard that is made of texts (XEP-0054). */
export function cardOf(texts: CardTexts): Element {
  const card = new Element('vCard', NS_VCARD);
  for (const field of CARD_FIELDS) {
    for (const text of texts.get(field) ?? []) parentOf(card, field).children.push(elementOf(field, text));
  }
  return card;
}

function parentOf(card: Element, field: CardField): Element {
  const name = INSIDE.get(field);
  if (name === undefined) return card;
  const there = card.child(name, NS_VCARD);
  if (there !== undefined) return there;
  const parent = new Element(name, NS_VCARD);
  card.children.push(parent);
  return parent;
}

function elementOf(field: CardField, text: string): Element {
  if (PICTURES.has(field)) {
    const type = pictureType(text);
    return Element.of(
      field,
      NS_VCARD,
      {},
      Element.of('TYPE', NS_VCARD, {}, type),
      Element.of('BINVAL', NS_VCARD, {}, text),
    );
  }
  const inner = TEXT_IN.get(field);
  if (inner === undefined) return Element.of(field, NS_VCARD, {}, text);
  return Element.of(field, NS_VCARD, {}, Element.of(inner, NS_VCARD, {}, text));
}

/** By the first bytes, in base64. The attribute that directories have for pictures is for JPEG (RFC 2798). */
function pictureType(base64: string): string {
  if (base64.startsWith('iVBORw')) return 'image/png';
  return base64.startsWith('R0lGOD') ? 'image/gif' : 'image/jpeg';
}
