import { byOctets, type CapsForm, type CapsIdentity, type CapsInfo, formType } from './info.ts';

/** What XEP-0115 hashes. */

const WORD = /^[\w-]+$/;
const LANGUAGE = /^[A-Za-z0-9-]*$/;
/** A feature that could be read as an identity. */
const LIKE_IDENTITY = /^[\w-]+\/[\w-]+\/[A-Za-z0-9-]*\//;

/** The text that is hashed (XEP-0115 §5.1); undefined when the information is ill-formed (§5.4). */
export function inputV1(info: CapsInfo): string | undefined {
  const identities = info.identities.map(identityText);
  const typed = info.forms
    .map((form) => ({ form, type: formType(form) }))
    .filter(({ type }) => type !== undefined);
  const types = typed.map(({ type }) => type!.values[0] ?? '');
  if (hasRepetition(identities) || hasRepetition(info.features) || hasRepetition(types)) return undefined;
  if (typed.some(({ type }) => new Set(type!.values).size > 1)) return undefined;
  const forms = typed.map(({ form }) => formText(form)).sort(byOctets);
  const texts = [
    ...info.identities.toSorted(byCategory).map(identityText),
    ...info.features.toSorted(byOctets),
  ];
  return `${texts.map((text) => `${text}<`).join('')}${forms.join('')}`;
}

/**
 * Whether the hashed text can be read in one way only. XEP-0115 joins everything by the same sign, so that somebody else's features can be presented
 * as identities or forms with the same hash; whoever shared that would let him change what is known of others. It is not so when
 * no text contains the sign, identities and features cannot be taken for one another, and where the features end shows in their order.
 */
export function isUnambiguous({ identities, features, forms }: CapsInfo): boolean {
  const isPlain = identities.every(
    ({ category, type, lang, name }) =>
      WORD.test(category) && WORD.test(type) && LANGUAGE.test(lang) && !name.includes('<'),
  );
  if (!isPlain) return false;
  if (features.some((feature) => feature === '' || feature.includes('<') || LIKE_IDENTITY.test(feature)))
    return false;
  const typed = forms.filter((form) => formType(form) !== undefined);
  if (typed.length === 0) return true;
  const texts = typed.flatMap(({ fields }) => fields.flatMap(({ name, values }) => [name, ...values]));
  if (texts.some((text) => text === '' || text.includes('<'))) return false;
  // Of several forms, one could be fields of another.
  if (typed.length > 1) return false;
  const last = features.toSorted(byOctets).at(-1);
  return last !== undefined && byOctets(formType(typed[0]!)!.values[0] ?? '', last) < 0;
}

function identityText({ category, type, lang, name }: CapsIdentity): string {
  return `${category}/${type}/${lang}/${name}`;
}

function byCategory(a: CapsIdentity, b: CapsIdentity): number {
  return (
    byOctets(a.category, b.category) ||
    byOctets(a.type, b.type) ||
    byOctets(a.lang, b.lang) ||
    byOctets(a.name, b.name)
  );
}

function formText(form: CapsForm): string {
  const type = formType(form)!;
  const others = form.fields.filter((field) => field !== type).toSorted((a, b) => byOctets(a.name, b.name));
  const texts = others.flatMap(({ name, values }) => [name, ...values.toSorted(byOctets)]);
  return [type.values[0] ?? '', ...texts].map((text) => `${text}<`).join('');
}

function hasRepetition(texts: readonly string[]): boolean {
  return new Set(texts).size < texts.length;
}
