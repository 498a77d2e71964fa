import { byOctets, type CapsForm, type CapsIdentity, type CapsInfo, formType } from './info.ts';

/** Separators of XEP-0390 §4.1: none of them occurs in XML. */
const UNIT = '\x1f';
const RECORD = '\x1e';
const GROUP = '\x1d';
const FILE = '\x1c';

/**
 * The text that XEP-0390 hashes (§4.1); undefined when the information contains what is not allowed. `implicitLang` is the language of identities
 * that name none.
 */
export function inputV2(info: CapsInfo, implicitLang = ''): string | undefined {
  if (info.hasMore || info.forms.some((form) => form.hasTable || !hasType(form))) return undefined;
  const identities = info.identities.map((identity) => identityText(identity, implicitLang));
  return (
    joined(info.features.map((text) => text + UNIT)) + joined(identities) + joined(info.forms.map(formText))
  );
}

/** XEP-0068: the type of the form, hidden and of one value. */
function hasType(form: CapsForm): boolean {
  return formType(form)?.values.length === 1;
}

function identityText({ category, type, lang, name }: CapsIdentity, implicitLang: string): string {
  return [category, type, lang === '' ? implicitLang : lang, name, ''].join(UNIT) + RECORD;
}

function formText({ fields }: CapsForm): string {
  const texts = fields.map(({ name, values }) => {
    const sorted = values.map((value) => value + UNIT).sort(byOctets);
    return name + UNIT + sorted.join('') + RECORD;
  });
  return texts.sort(byOctets).join('') + GROUP;
}

function joined(texts: readonly string[]): string {
  return texts.toSorted(byOctets).join('') + FILE;
}
