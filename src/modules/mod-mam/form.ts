import { Element, NS_DATA_FORMS } from '../module.ts';
import { NS_FULL_TEXT, NS_VALIDATE } from './namespaces.ts';
import type { PmOptions } from './options.ts';

/** The form of all fields that a query may have (XEP-0313 §4.1.6), for the namespace `ns`. */
export function queryForm(ns: string, options: PmOptions): Element {
  const hidden = Element.of(
    'field',
    NS_DATA_FORMS,
    { type: 'hidden', var: 'FORM_TYPE' },
    Element.of('value', NS_DATA_FORMS, {}, ns),
  );
  const fields = [
    field('jid-single', 'with'),
    field('text-single', 'start'),
    field('text-single', 'end'),
    field('text-single', 'before-id'),
    field('text-single', 'after-id'),
    field('boolean', 'include-groupchat'),
    idsField(),
    ...(options.full_text_search ? [field('text-single', `{${NS_FULL_TEXT}}fulltext`)] : []),
  ];
  const form = Element.of('x', NS_DATA_FORMS, { type: 'form' }, hidden, ...fields);
  return Element.of('query', ns, {}, form);
}

function field(type: string, name: string): Element {
  return Element.of('field', NS_DATA_FORMS, { type, var: name });
}

/** The list of all ids is not for sending: any may be given (XEP-0122). */
function idsField(): Element {
  const validate = Element.of(
    'validate',
    NS_VALIDATE,
    { datatype: 'xs:string' },
    Element.of('open', NS_VALIDATE),
  );
  return Element.of('field', NS_DATA_FORMS, { type: 'list-multi', var: 'ids' }, validate);
}
