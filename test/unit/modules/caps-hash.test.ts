import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Announced, verify } from '../../../src/modules/mod-caps/announced.ts';
import { HASH_NAMES, hashOf, isHashValue } from '../../../src/modules/mod-caps/hash.ts';
import { readInfo } from '../../../src/modules/mod-caps/info.ts';
import { inputV1, isUnambiguous } from '../../../src/modules/mod-caps/input-v1.ts';
import { inputV2 } from '../../../src/modules/mod-caps/input-v2.ts';
import { parseElementText } from '../../../src/xmpp/trusted-xml.ts';

/** Hashes of capabilities: the examples of XEP-0115 and XEP-0390, and what must not be taken for them. */

const query = (content: string) =>
  parseElementText(`<query xmlns='http://jabber.org/protocol/disco#info'>${content}</query>`);
const info = (content: string) => readInfo(query(content))!;
const feature = (name: string): string => `<feature var='${name}'/>`;
const form = (fields: string): string => `<x xmlns='jabber:x:data' type='result'>${fields}</x>`;
const field = (name: string, values: string[], type = ''): string =>
  `<field var='${name}'${type === '' ? '' : ` type='${type}'`}>${values.map((value) => `<value>${value}</value>`).join('')}</field>`;

const EXODUS =
  "<identity category='client' name='Exodus 0.9.1' type='pc'/>" +
  [
    'http://jabber.org/protocol/muc',
    'http://jabber.org/protocol/caps',
    'http://jabber.org/protocol/disco#items',
    'http://jabber.org/protocol/disco#info',
  ]
    .map(feature)
    .join('');

const PSI =
  "<identity xml:lang='el' category='client' name='Ψ 0.11' type='pc'/><identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/>" +
  [
    'http://jabber.org/protocol/caps',
    'http://jabber.org/protocol/disco#info',
    'http://jabber.org/protocol/disco#items',
    'http://jabber.org/protocol/muc',
  ]
    .map(feature)
    .join('') +
  form(
    field('FORM_TYPE', ['urn:xmpp:dataforms:softwareinfo'], 'hidden') +
      field('ip_version', ['ipv6', 'ipv4'], 'text-multi') +
      field('os', ['Mac']) +
      field('os_version', ['10.5.1']) +
      field('software', ['Psi']) +
      field('software_version', ['0.11']),
  );

const BOMBUS =
  "<identity category='client' name='BombusMod' type='mobile'/>" +
  'http://jabber.org/protocol/si http://jabber.org/protocol/bytestreams http://jabber.org/protocol/chatstates http://jabber.org/protocol/disco#info http://jabber.org/protocol/disco#items urn:xmpp:ping jabber:iq:time jabber:iq:privacy jabber:iq:version http://jabber.org/protocol/rosterx urn:xmpp:time jabber:x:oob http://jabber.org/protocol/ibb http://jabber.org/protocol/si/profile/file-transfer urn:xmpp:receipts jabber:iq:roster jabber:iq:last'
    .split(' ')
    .map(feature)
    .join('');

const announced = (version: 'v1' | 'v2', algorithm: string, value: string): Announced => ({
  version,
  algorithm,
  value,
  node: 'n',
  key: 'k',
});

describe('XEP-0115', () => {
  it.each([
    ['§5.2', EXODUS, 'QgayPKawpkPSDYmwT/WM94uAlu0='],
    ['§5.3', PSI, 'q07IKJEyjvHSyhy//CH0CxmKi8w='],
  ])('hashes the example of %s', (_section, content, hash) => {
    expect(hashOf('sha-1', inputV1(info(content))!)).toBe(hash);
    expect(verify(announced('v1', 'sha-1', hash), query(content), 'en')).toBeDefined();
  });

  it.each([
    ['two identities alike', `${EXODUS}<identity category='client' name='Exodus 0.9.1' type='pc'/>`],
    ['a feature twice', EXODUS + feature('http://jabber.org/protocol/muc')],
    [
      'two forms of one type',
      EXODUS + form(field('FORM_TYPE', ['a'], 'hidden')) + form(field('FORM_TYPE', ['a'], 'hidden')),
    ],
    ['a form of two types', EXODUS + form(field('FORM_TYPE', ['a', 'b'], 'hidden'))],
  ])('calls ill-formed (§5.4): %s', (_what, content) => {
    expect(inputV1(info(content))).toBeUndefined();
  });

  it('ignores forms without a hidden type (§5.4)', () => {
    const plain = inputV1(info(EXODUS));
    for (const ignored of [form(field('a', ['b'])), form(field('FORM_TYPE', ['x']) + field('a', ['b']))]) {
      expect(inputV1(info(EXODUS + ignored))).toBe(plain);
      expect(isUnambiguous(info(EXODUS + ignored))).toBe(true);
    }
  });

  it('sorts by bytes, not by the units of JavaScript', () => {
    expect(inputV1(info(feature('\u{1f600}') + feature('\uff21')))).toBe('\uff21<\u{1f600}<');
  });

  describe('joins everything by one sign, so that lies can have the hash of the truth (T49):', () => {
    const truth = info(
      `<identity category='client' type='pc' name='N'/>${feature('a:1')}${feature('b:2')}${feature('c:3')}`,
    );
    it.each([
      [
        'a feature with the sign in it',
        `<identity category='client' type='pc' name='N'/>${feature('a:1&lt;b:2')}${feature('c:3')}`,
      ],
      [
        'features as a form',
        `<identity category='client' type='pc' name='N'/>${feature('a:1')}${form(field('FORM_TYPE', ['b:2'], 'hidden') + field('c:3', []))}`,
      ],
      [
        'features in the name of the identity',
        `<identity category='client' type='pc' name='N&lt;a:1&lt;b:2'/>${feature('c:3')}`,
      ],
      [
        'the identity as a feature',
        feature('client/pc//N') + feature('a:1') + feature('b:2') + feature('c:3'),
      ],
    ])('%s', (_what, content) => {
      const lie = info(content);
      if (!content.startsWith("<feature var='client")) expect(inputV1(lie)).toBe(inputV1(truth));
      expect(isUnambiguous(lie)).toBe(false);
    });

    it('a feature as an identity', () => {
      const before = info(
        `<identity category='client' type='pc' name='N'/>${feature('http://x/y')}${feature('z')}`,
      );
      const lie = info(
        "<identity category='client' type='pc' name='N'/><identity category='http:' type='' name='y' xml:lang='x'/>" +
          feature('z'),
      );
      expect(inputV1(lie)).toBe(inputV1(before));
      expect([isUnambiguous(before), isUnambiguous(lie)]).toEqual([true, false]);
    });

    it('the truth of ordinary clients is told apart', () => {
      expect(isUnambiguous(truth)).toBe(true);
      expect(isUnambiguous(info(EXODUS))).toBe(true);
      const last = feature('vcard-temp');
      const type = field('FORM_TYPE', ['urn:xmpp:dataforms:softwareinfo'], 'hidden');
      expect(isUnambiguous(info(EXODUS + last + form(type + field('os', ['Mac']))))).toBe(true);
      // Here nothing tells where the features end.
      expect(isUnambiguous(info(PSI))).toBe(false);
    });
  });
});

describe('XEP-0390', () => {
  const COMPLEX = readFileSync(new URL('../../fixtures/xep-0390-complex.xml', import.meta.url), 'utf8');

  it.each([
    ['simple', () => query(BOMBUS), 'sha-256', 'kzBZbkqJ3ADrj7v08reD1qcWUwNGHaidNUgD7nHpiw8='],
    ['simple', () => query(BOMBUS), 'sha3-256', '79mdYAfU9rEdTOcWDO7UEAt6E56SUzk/g6TnqUeuD9Q='],
    ['complex', () => parseElementText(COMPLEX), 'sha-256', 'u79ZroNJbdSWhdSp311mddz44oHHPsEBntQ5b1jqBSY='],
    ['complex', () => parseElementText(COMPLEX), 'sha3-256', 'XpUJzLAc93258sMECZ3FJpebkzuyNXDzRNwQog8eycg='],
  ] as const)('hashes its %s example', (_name, element, algorithm, hash) => {
    expect(hashOf(algorithm, inputV2(readInfo(element())!)!)).toBe(hash);
    expect(verify(announced('v2', algorithm, hash), element(), 'de')?.isShareable).toBe(true);
  });

  it.each([
    ['another element', '<other/>'],
    ['an element of another namespace', "<feature xmlns='urn:t' var='x'/>"],
    ['a table', form(`${field('FORM_TYPE', ['a'], 'hidden')}<reported/>`)],
    ['rows', form(`${field('FORM_TYPE', ['a'], 'hidden')}<item/>`)],
    ['a form without a type', form(field('a', ['b']))],
    ['a form whose type is not hidden', form(field('FORM_TYPE', ['b']))],
    ['a form of two types', form(field('FORM_TYPE', ['a', 'b'], 'hidden'))],
  ])('refuses %s (§4.1)', (_what, content) => {
    expect(inputV2(info(BOMBUS + content))).toBeUndefined();
  });

  it('takes the language of the stream for that of identities that name none', () => {
    const input = inputV2(info(BOMBUS), 'en')!;
    expect(input).not.toBe(inputV2(info(BOMBUS)));
    const value = hashOf('sha-256', input);
    expect(verify(announced('v2', 'sha-256', value), query(BOMBUS), 'en')).toBeDefined();
    expect(verify(announced('v2', 'sha-256', value), query(BOMBUS), 'de')).toBeUndefined();
  });
});

describe('values', () => {
  it.each(HASH_NAMES)('of %s are known by their form', (name) => {
    const value = hashOf(name, 'x');
    expect(isHashValue(name, value)).toBe(true);
    for (const wrong of ['', value.slice(1), `${value}A`, `!${value.slice(1)}`, `${value.slice(0, -1)} `]) {
      expect(isHashValue(name, wrong)).toBe(false);
    }
  });

  it.each(['', 'md5', 'SHA-1', '__proto__', 'constructor'])('of %s are not known', (name) => {
    expect(isHashValue(name, hashOf('sha-1', 'x'))).toBe(false);
  });

  it('of an answer that says too much are not made', () => {
    expect(readInfo(query(Array.from({ length: 501 }, (_, i) => feature(`f${i}`)).join('')))).toBeUndefined();
    expect(readInfo(query(feature('x'.repeat(10_001))))).toBeUndefined();
    expect(
      readInfo(parseElementText("<other xmlns='http://jabber.org/protocol/disco#info'/>")),
    ).toBeUndefined();
    expect(readInfo(undefined)).toBeUndefined();
  });
});
