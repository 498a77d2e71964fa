import { expect } from 'vitest';
import type { Element, TestClient } from '../../helpers/client.ts';

/** What the scenarios of mod_vcard have in common. */

export const NS_VCARD = 'vcard-temp';
export const NS_SEARCH = 'jabber:iq:search';
export const NS_RSM = 'http://jabber.org/protocol/rsm';
export const DIRECTORY = 'vjud.localhost';

export function vcard(content: string): string {
  return `<vCard xmlns='${NS_VCARD}'>${content}</vCard>`;
}

export async function publish(client: TestClient, content: string): Promise<void> {
  expect((await client.iq('set', undefined, vcard(content))).attribute('type')).toBe('result');
}

/** The `<query/>` of a search by a data form. */
export function form(fields: Readonly<Record<string, string>>, rest = '', type = 'submit'): string {
  const hidden = "<field var='FORM_TYPE' type='hidden'><value>jabber:iq:search</value></field>";
  const others = Object.entries(fields).map(
    ([name, value]) => `<field var='${name}'><value>${value}</value></field>`,
  );
  return `<query xmlns='${NS_SEARCH}'><x xmlns='jabber:x:data' type='${type}'>${hidden}${others.join('')}</x>${rest}</query>`;
}

/** The rows of the answer to a search, each with its fields by name. */
export function rows(answer: Element): Record<string, string>[] {
  expect(answer.attribute('type')).toBe('result');
  const x = answer.child('query', NS_SEARCH)!.child('x', 'jabber:x:data')!;
  expect(x.attribute('type')).toBe('result');
  const reported = x
    .child('reported')!
    .elements()
    .map((field) => field.attribute('var'));
  return x
    .elements()
    .filter(({ name }) => name === 'item')
    .map((item) => {
      const fields = item.elements();
      expect(fields.map((field) => field.attribute('var'))).toEqual(reported);
      return Object.fromEntries(
        fields.map((field) => [field.attribute('var'), field.childText('value') ?? '']),
      );
    });
}

/** The addresses that a search found. */
export async function found(client: TestClient, query: string, to = DIRECTORY): Promise<string[]> {
  return rows(await client.iq('set', to, query)).map(({ jid }) => jid!);
}
