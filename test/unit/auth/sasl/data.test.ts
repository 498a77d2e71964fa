import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeSaslData, SASL_TEXT_CHARS_MAX } from '../../../../src/auth/sasl/data.ts';

describe('the character data of SASL elements', () => {
  it('is base64', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (bytes) => {
        const data = Buffer.from(bytes);
        expect(decodeSaslData(data.toString('base64'))).toEqual({ kind: 'data', data });
      }),
    );
  });

  it('may be nothing, which is no data, or =, which is data of length zero', () => {
    expect(decodeSaslData('')).toEqual({ kind: 'data', data: undefined });
    expect(decodeSaslData('=')).toEqual({ kind: 'data', data: Buffer.alloc(0) });
  });

  it.each([
    ['no base64 at all', 'not base64!'],
    ['missing padding', 'AGE'],
    ['padding too much', 'AGFi='],
    ['only padding', '=='],
    ['padding inside', 'AG==AGE='],
    ['set bits behind the end', 'AGF='],
    ['a single character', 'A'],
    ['white space in front', ' AGFi'],
    ['a line break inside', 'AGFi\nAGFi'],
    ['a line break behind', 'AGFi\n'],
    ['the URL alphabet', '-_-_'],
    ['NUL', 'AGFi\0'],
    ['letters that are none in ASCII', 'ＡＧＦｉ'],
    ['UTF-16 read byte by byte', 'A\0G\0F\0i\0'],
    ['an emoji', '🙈🙈'],
  ])('is refused with %s (T34)', (_what, text) => {
    expect(decodeSaslData(text)).toMatchObject({ kind: 'failure', condition: 'incorrect-encoding' });
  });

  it('has a limit (T34)', () => {
    expect(decodeSaslData('A'.repeat(SASL_TEXT_CHARS_MAX)).kind).toBe('data');
    for (const length of [SASL_TEXT_CHARS_MAX + 1, 1 << 20]) {
      expect(decodeSaslData('A'.repeat(length))).toMatchObject({ condition: 'malformed-request' });
    }
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(['data', 'failure']).toContain(decodeSaslData(text).kind);
      }),
    );
  });
});
