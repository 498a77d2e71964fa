import { Element } from '../xml/element.ts';
import { NS_DATA_FORMS } from './namespaces.ts';

/** A field of a data form (XEP-0004 §3.2). */
export interface FormField {
  readonly name: string;
  readonly type?: string | undefined;
  readonly label?: string | undefined;
  readonly values: readonly string[];
}

/** A data form that tells something (XEP-0004, type `result`); `formType` says what kind of form it is (XEP-0068). */
export function resultForm(formType: string, fields: readonly FormField[]): Element {
  const hidden: FormField = { name: 'FORM_TYPE', type: 'hidden', values: [formType] };
  return Element.of('x', NS_DATA_FORMS, { type: 'result' }, ...[hidden, ...fields].map(fieldElement));
}

function fieldElement({ name, type, label, values }: FormField): Element {
  const children = values.map((value) => Element.of('value', NS_DATA_FORMS, {}, value));
  return Element.of('field', NS_DATA_FORMS, { var: name, type, label }, ...children);
}
