import { describe, expect, it } from 'vitest';
import { certificateNames } from '../../../src/auth/certificate.ts';

/** Names in certificates (T31), in DER that no tool would write. What real certificates say is in `test/conformance/xep-0178.test.ts`. */

function der(type: number, ...content: readonly (Buffer | string)[]): Buffer {
  const body = Buffer.concat(content.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
  const length = body.length < 128 ? [body.length] : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([type, ...length]), body]);
}

const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
const COMMON_NAME = oid('550403');
const UNIT = oid('55040b');
const XMPP_ADDR = oid('2b06010505070805');
const utf8 = (text: Buffer | string): Buffer => der(0x0c, text);
const attribute = (type: Buffer, value: Buffer): Buffer => der(0x31, der(0x30, type, value));
const address = (value: Buffer, type = XMPP_ADDR): Buffer => der(0xa0, type, der(0xa0, value));

function certificate(subject: readonly Buffer[], names: readonly Buffer[], isCritical = false): Buffer {
  const critical = isCritical ? [der(0x01, Buffer.from([0xff]))] : [];
  const extension = der(0x30, oid('551d11'), ...critical, der(0x04, der(0x30, ...names)));
  const tbs = der(
    0x30,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    der(0x30, oid('2a8648ce3d040302')),
    der(0x30, attribute(COMMON_NAME, utf8('the issuer'))),
    der(0x30, der(0x17, '260101000000Z'), der(0x17, '270101000000Z')),
    der(0x30, ...subject),
    der(0x30, der(0x30, oid('2a8648ce3d0201')), der(0x03, Buffer.alloc(10))),
    der(0xa3, der(0x30, der(0x30, oid('551d13'), der(0x04, der(0x30))), extension)),
  );
  return der(0x30, tbs, der(0x30, oid('2a8648ce3d040302')), der(0x03, Buffer.alloc(10)));
}

const ROMEO = address(utf8('romeo@example.org'));
const NAMED = attribute(COMMON_NAME, utf8('Romeo'));

describe('the names of a certificate', () => {
  it('are its XMPP addresses and its common name', () => {
    const mail = der(0x81, 'romeo@example.org');
    expect(
      certificateNames(certificate([NAMED], [mail, ROMEO, address(utf8('juliet@example.org'))])),
    ).toEqual({
      xmppAddresses: ['romeo@example.org', 'juliet@example.org'],
      commonName: 'Romeo',
    });
    expect(certificateNames(certificate([NAMED], [ROMEO], true)).xmppAddresses).toEqual([
      'romeo@example.org',
    ]);
  });

  it.each<[string, readonly Buffer[], string | undefined]>([
    ['none', [], undefined],
    ['two', [NAMED, NAMED], undefined],
    [
      'two in one set',
      [der(0x31, der(0x30, COMMON_NAME, utf8('a')), der(0x30, COMMON_NAME, utf8('b')))],
      undefined,
    ],
    ['in another field', [attribute(UNIT, utf8('CN=Romeo'))], undefined],
    ['with a comma in it', [attribute(COMMON_NAME, utf8('Romeo, CN=admin'))], 'Romeo, CN=admin'],
    ['with a NUL in it', [attribute(COMMON_NAME, utf8('admin\0x'))], undefined],
    ['not UTF-8', [attribute(COMMON_NAME, utf8(Buffer.from([0xff])))], undefined],
    ['of two-byte characters', [attribute(COMMON_NAME, der(0x1e, Buffer.from('\0a')))], undefined],
    ['a number', [attribute(COMMON_NAME, der(0x02, Buffer.from([1])))], undefined],
  ])('a common name: %s', (_name, subject, expected) => {
    expect(certificateNames(certificate(subject, [ROMEO])).commonName).toBe(expected);
  });

  it.each<[string, readonly Buffer[]]>([
    ['of another type', [address(utf8('romeo@example.org'), oid('2b06010505070807'))]],
    ['not text', [address(der(0x04, 'romeo@example.org'))]],
    ['with a NUL in it', [address(utf8('romeo@example.org\0.evil.example'))]],
    ['not UTF-8', [address(utf8(Buffer.from([0x72, 0xc0, 0x80])))]],
    ['one that cannot be read beside one that can', [ROMEO, address(utf8('a\0b'))]],
    ['more than anybody has', Array.from({ length: 65 }, () => ROMEO)],
  ])('no address: %s', (_name, names) => {
    expect(certificateNames(certificate([NAMED], names)).xmppAddresses).toEqual([]);
  });

  it('nobody, where it is cut or changed anywhere, and never a throw', () => {
    const whole = certificate([NAMED], [ROMEO]);
    for (let length = 0; length < whole.length; length++) {
      expect(certificateNames(whole.subarray(0, length)).xmppAddresses).toEqual([]);
    }
    for (let at = 0; at < whole.length; at++) {
      for (const value of [0x00, 0x1f, 0x30, 0x7f, 0x80, 0x84, 0xff]) {
        const changed = Buffer.from(whole);
        changed[at] = value;
        const { xmppAddresses } = certificateNames(changed);
        expect(xmppAddresses.length).toBeLessThanOrEqual(1);
      }
    }
  });

  it('reads only the bytes it is given', () => {
    const whole = certificate([NAMED], [ROMEO]);
    const within = Buffer.concat([whole, Buffer.from('tail')]);
    const view = new Uint8Array(within.buffer, within.byteOffset, whole.length);
    expect(certificateNames(view).commonName).toBe('Romeo');
  });
});
