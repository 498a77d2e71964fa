import { type Element, type Identity, type InfoForm, NS_DATA_FORMS, NS_DISCO_INFO } from '../module.ts';

/** Who and what an entity says it is (XEP-0030 disco#info), as far as hashes are made of it. */
export interface CapsInfo {
  readonly identities: readonly CapsIdentity[];
  readonly features: readonly string[];
  readonly forms: readonly CapsForm[];
  /** There is something in it that is none of these. */
  readonly hasMore: boolean;
}

export interface CapsIdentity {
  readonly category: string;
  readonly type: string;
  readonly lang: string;
  readonly name: string;
}

export interface CapsForm {
  readonly fields: readonly CapsField[];
  /** It is a table (XEP-0004 §3.4). */
  readonly hasTable: boolean;
}

export interface CapsField {
  readonly name: string;
  readonly type: string;
  readonly values: readonly string[];
}

/** An entity that says more is not listened to: a cache holds its features for everybody. */
const FEATURES_MAX = 500;
const BYTES_MAX = 10_000;

/** Reads the `<query/>` of an answer; undefined when it is none, or says too much. */
export function readInfo(query: Element | undefined): CapsInfo | undefined {
  if (query === undefined || query.name !== 'query' || query.ns !== NS_DISCO_INFO) return undefined;
  const identities: CapsIdentity[] = [];
  const features: string[] = [];
  const forms: CapsForm[] = [];
  let hasMore = false;
  for (const child of query.elements()) {
    const attribute = (name: string): string => child.attribute(name) ?? '';
    if (child.ns === NS_DISCO_INFO && child.name === 'identity') {
      const lang = child.attribute('xml:lang') ?? query.attribute('xml:lang') ?? '';
      identities.push({
        category: attribute('category'),
        type: attribute('type'),
        lang,
        name: attribute('name'),
      });
    } else if (child.ns === NS_DISCO_INFO && child.name === 'feature') features.push(attribute('var'));
    else if (child.ns === NS_DATA_FORMS && child.name === 'x') forms.push(readForm(child));
    else hasMore = true;
  }
  const bytes = features.reduce((sum, feature) => sum + Buffer.byteLength(feature), 0);
  if (features.length > FEATURES_MAX || bytes > BYTES_MAX) return undefined;
  return { identities, features, forms, hasMore };
}

function readForm(form: Element): CapsForm {
  const fields: CapsField[] = [];
  let hasTable = false;
  for (const child of form.elements()) {
    if (child.ns !== NS_DATA_FORMS) continue;
    if (child.name === 'field') {
      const values = child.elements().filter(({ name, ns }) => name === 'value' && ns === NS_DATA_FORMS);
      fields.push({
        name: child.attribute('var') ?? '',
        type: child.attribute('type') ?? '',
        values: values.map((value) => value.text()),
      });
    } else if (child.name === 'reported' || child.name === 'item') hasTable = true;
  }
  return { fields, hasTable };
}

/** What this server says of itself. */
export function ownInfo(
  identities: readonly Identity[],
  features: readonly string[],
  forms: readonly InfoForm[],
): CapsInfo {
  return {
    identities: identities.map(({ category, type, name = '' }) => ({ category, type, lang: '', name })),
    features: [...new Set(features)],
    forms: forms.map(({ ns, fields }) => ({
      fields: [
        { name: 'FORM_TYPE', type: 'hidden', values: [ns] },
        ...fields.map(({ name, type = '', values }) => ({ name, type, values })),
      ],
      hasTable: false,
    })),
    hasMore: false,
  };
}

/** The FORM_TYPE field of a form (XEP-0068): undefined when it has none that is hidden. */
export function formType({ fields }: CapsForm): CapsField | undefined {
  return fields.find(({ name, type }) => name === 'FORM_TYPE' && type === 'hidden');
}

/** From here on the order of JavaScript, by units of UTF-16, is not that of UTF-8. */
const BEYOND_ORDER = /[\ud800-\uffff]/;

/** The collation i;octet: by the bytes of UTF-8. */
export function byOctets(a: string, b: string): number {
  if (!BEYOND_ORDER.test(a) && !BEYOND_ORDER.test(b)) return a < b ? -1 : a > b ? 1 : 0;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
