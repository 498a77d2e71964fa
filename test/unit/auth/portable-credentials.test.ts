import { describe, expect, it } from 'vitest';
import { deriveKeys, makePasswordDetails } from '../../../src/auth/derive.ts';
import {
  credentialElements,
  includesCredentials,
  legacyCredentials,
  readCredentials,
} from '../../../src/auth/portable-credentials.ts';
import { parseCredentials } from '../../../src/auth/scram-text.ts';
import { Element } from '../../../src/xml/element.ts';
import { NS_PIE_SCRAM } from '../../../src/xmpp/namespaces.ts';

/** SCRAM credentials as XEP-0227 §4.3 has them. */

const SALT = Buffer.from('a salt of Prosody is a text of 36 by');

function element(mechanism: string, iterations = '4096', password = 'secret', salt = SALT): Element {
  const hash = mechanism === 'SCRAM-SHA-1' ? 'sha' : mechanism === 'SCRAM-SHA-512' ? 'sha512' : 'sha256';
  const { storedKey, serverKey } = deriveKeys(password, hash, salt, Number(iterations))!;
  const child = (name: string, text: string): Element => Element.of(name, NS_PIE_SCRAM, {}, text);
  return Element.of(
    'scram-credentials',
    NS_PIE_SCRAM,
    { mechanism },
    child('server-key', serverKey.toString('base64')),
    // Somebody may have formatted the file.
    child('stored-key', `\n  ${storedKey.toString('base64')}\n`),
    child('iter-count', iterations),
    child('salt', salt.toString('base64')),
  );
}

describe('readCredentials', () => {
  it('reads what credentialElements writes', () => {
    const details = makePasswordDetails('secret', ['sha', 'sha224', 'sha256', 'sha384', 'sha512'], 4096)!;
    const elements = credentialElements(details);
    expect(elements.map((one) => one.attribute('mechanism'))).toEqual(
      ['1', '224', '256', '384', '512'].map((bits) => `SCRAM-SHA-${bits}`),
    );
    expect(readCredentials(elements)).toEqual({ details, problems: new Array(5).fill(undefined) });
  });

  it('takes the keys of one mechanism', () => {
    const { details, problems } = readCredentials([element('SCRAM-SHA-1')]);
    expect(problems).toEqual([undefined]);
    expect([...parseCredentials(details!)!.hashes.keys()]).toEqual(['sha']);
    expect(parseCredentials(details!)!.hashes.get('sha')!.salt).toEqual(SALT);
  });

  it('takes those with the iteration count of the strongest, and names the others', () => {
    const read = readCredentials([
      element('SCRAM-SHA-1', '4096'),
      element('SCRAM-SHA-256', '10000'),
      element('SCRAM-SHA-512', '10000'),
    ]);
    expect([...parseCredentials(read.details!)!.hashes.keys()]).toEqual(['sha256', 'sha512']);
    expect(read.problems).toEqual([expect.stringContaining('10000'), undefined, undefined]);
  });

  it('takes a mechanism once', () => {
    const read = readCredentials([element('SCRAM-SHA-1'), element('SCRAM-SHA-1', '4096', 'other')]);
    expect(includesCredentials(read.details!, readCredentials([element('SCRAM-SHA-1')]).details!)).toBe(true);
    expect(read.problems).toEqual([undefined, expect.stringContaining('twice')]);
  });

  it.each([
    ['an unknown mechanism', 'mechanism', 'SCRAM-MD5'],
    ['too few iterations', 'iter-count', '4095'],
    ['so many that a login would take for ever', 'iter-count', '1000001'],
    ['a number that is none', 'iter-count', '4096x'],
    ['a leading zero', 'iter-count', '04096'],
    ['an empty salt', 'salt', ''],
    ['a key of another length', 'stored-key', 'AAAA'],
    ['what is not base64', 'server-key', '!'],
    ['what would be another field', 'salt', 'AAAAAAAAAAAAAAAA|AAAA'],
  ])('refuses %s', (_what, name, text) => {
    const broken = element('SCRAM-SHA-1');
    if (name === 'mechanism') broken.attributes.set(name, text);
    else broken.child(name)!.children.splice(0, 1, text);
    expect(readCredentials([broken])).toEqual({ details: undefined, problems: [expect.any(String)] });
  });

  it('finds none in none', () => {
    expect(readCredentials([])).toEqual({ details: undefined, problems: [] });
    expect(credentialElements('no credentials')).toEqual([]);
  });
});

describe('legacyCredentials', () => {
  const keys = (hash: 'sha' | 'sha256'): string => {
    const { storedKey, serverKey } = deriveKeys('secret', hash, SALT, 4096)!;
    return [storedKey, serverKey, SALT].map((bytes) => bytes.toString('base64')).join(',');
  };

  it.each([
    [`scram:${keys('sha')},4096`, 'sha'],
    [`scram:sha256,${keys('sha256')},4096`, 'sha256'],
  ])('reads what ejabberd wrote into the attribute', (text, hash) => {
    expect([...parseCredentials(legacyCredentials(text)!)!.hashes.keys()]).toEqual([hash]);
  });

  it.each([
    'secret',
    'scram:',
    'scram:a,b,c,d',
    `scram:md5,${keys('sha')},4096`,
    `scram:sha512,${keys('sha')},4096`,
  ])('%s is a password', (text) => {
    expect(legacyCredentials(text)).toBeUndefined();
  });
});

describe('includesCredentials', () => {
  it('compares each of the other hashes', () => {
    const one = readCredentials([element('SCRAM-SHA-1')]).details!;
    const both = readCredentials([element('SCRAM-SHA-1'), element('SCRAM-SHA-256')]).details!;
    const other = readCredentials([element('SCRAM-SHA-1', '4096', 'other')]).details!;
    expect(includesCredentials(both, one)).toBe(true);
    expect(includesCredentials(one, both)).toBe(false);
    expect(includesCredentials(one, other)).toBe(false);
    expect(includesCredentials(one, 'nothing')).toBe(false);
  });
});
