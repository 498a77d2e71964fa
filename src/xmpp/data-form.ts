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
  return form('result', formType, fields.map(fieldElement));
}

/** A data form to fill in (XEP-0004, type `form`). */
export function blankForm(
  formType: string,
  title: string,
  instructions: string,
  fields: readonly FormField[],
): Element {
  const element = form('form', formType, fields.map(fieldElement));
  element.children.unshift(
    Element.of('title', NS_DATA_FORMS, {}, title),
    Element.of('instructions', NS_DATA_FORMS, {}, instructions),
  );
  return element;
}

/** A table (XEP-0004 §3.4): the columns, and for each row the values in their order. */
export function tableForm(
  formType: string,
  columns: readonly Omit<FormField, 'values'>[],
  rows: Iterable<readonly string[]>,
): Element {
  const reported = columns.map((column) => fieldElement({ ...column, values: [] }));
  const items = Array.from(rows, (row) => {
    const fields = row.map((value, i) => fieldElement({ name: columns[i]!.name, values: [value] }));
    return Element.of('item', NS_DATA_FORMS, {}, ...fields);
  });
  return form('result', formType, [Element.of('reported', NS_DATA_FORMS, {}, ...reported), ...items]);
}

/** The fields of a filled-in form by name, each with its values; undefined when it is none. Of two with the same name the first counts. */
export function submittedFields(element: Element): ReadonlyMap<string, readonly string[]> | undefined {
  if (element.name !== 'x' || element.ns !== NS_DATA_FORMS || element.attribute('type') !== 'submit') {
    return undefined;
  }
  const fields = new Map<string, readonly string[]>();
  for (const field of element.elements()) {
    const name = field.attribute('var');
    if (field.name !== 'field' || field.ns !== NS_DATA_FORMS || name === undefined || fields.has(name))
      continue;
    const values = field.elements().filter((child) => child.name === 'value' && child.ns === NS_DATA_FORMS);
    fields.set(
      name,
      values.map((value) => value.text()),
    );
  }
  return fields;
}

function form(type: string, formType: string, children: readonly Element[]): Element {
  const hidden = fieldElement({ name: 'FORM_TYPE', type: 'hidden', values: [formType] });
  return Element.of('x', NS_DATA_FORMS, { type }, hidden, ...children);
}

function fieldElement({ name, type, label, values }: FormField): Element {
  const children = values.map((value) => Element.of('value', NS_DATA_FORMS, {}, value));
  return Element.of('field', NS_DATA_FORMS, { var: name, type, label }, ...children);
}
