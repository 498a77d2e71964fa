import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  HASH_FACTS,
  SCRAM_HASHES,
  SCRAM_ITERATIONS_MAX,
  SCRAM_ITERATIONS_MIN,
  type ScramCredentials,
} from '../../../src/auth/scram.ts';
import { parseCredentials, serializeCredentials } from '../../../src/auth/scram-text.ts';

const b64 = (bytes: number, fill = 1) => Buffer.alloc(bytes, fill).toString('base64');
const SHA1 = `===SHA1===${b64(16)}|${b64(20)}|${b64(20)}`;
const SHA256 = `==SHA256==${b64(16)}|${b64(32)}|${b64(32)}`;

const credentials = fc
  .record({
    iterations: fc.integer({ min: SCRAM_ITERATIONS_MIN, max: SCRAM_ITERATIONS_MAX }),
    hashes: fc.subarray([...SCRAM_HASHES], { minLength: 1 }),
    saltBytes: fc.integer({ min: 8, max: 64 }),
    fill: fc.nat(255),
  })
  .map(
    ({ iterations, hashes, saltBytes, fill }): ScramCredentials => ({
      iterations,
      hashes: new Map(
        hashes.map((hash) => {
          const { bytes } = HASH_FACTS[hash];
          return [
            hash,
            {
              salt: Buffer.alloc(saltBytes, fill),
              storedKey: Buffer.alloc(bytes, fill + 1),
              serverKey: Buffer.alloc(bytes, fill + 2),
            },
          ];
        }),
      ),
    }),
  );

describe('credentials as text', () => {
  it('writes the form of MongooseIM', () => {
    const keys = {
      salt: Buffer.alloc(16, 1),
      storedKey: Buffer.alloc(20, 1),
      serverKey: Buffer.alloc(20, 1),
    };
    const text = serializeCredentials({ iterations: 10_000, hashes: new Map([['sha', keys]]) });
    expect(text).toBe(`==MULTI_SCRAM==,10000,${SHA1}`);
  });

  it('reads what it wrote', () => {
    fc.assert(
      fc.property(credentials, (original) => {
        expect(parseCredentials(serializeCredentials(original))).toEqual(original);
      }),
    );
  });

  it('reads hashes in any order', () => {
    expect([...parseCredentials(`==MULTI_SCRAM==,4096,${SHA256},${SHA1}`)!.hashes.keys()]).toEqual([
      'sha256',
      'sha',
    ]);
  });

  it('reads the older form, and writes it anew in the present one', () => {
    const legacy = `==SCRAM==,${b64(20, 2)},${b64(20, 3)},${b64(16, 4)},4096`;
    const parsed = parseCredentials(legacy)!;
    expect(parsed.hashes.get('sha')).toEqual({
      salt: Buffer.alloc(16, 4),
      storedKey: Buffer.alloc(20, 2),
      serverKey: Buffer.alloc(20, 3),
    });
    expect(serializeCredentials(parsed)).toMatch(/^==MULTI_SCRAM==,4096,===SHA1===/);
  });

  it.each([
    ['nothing', ''],
    ['another scheme', '{SSHA}abcdef'],
    ['no hashes', '==MULTI_SCRAM==,4096'],
    ['an empty hash', '==MULTI_SCRAM==,4096,'],
    ['an unknown hash', `==MULTI_SCRAM==,4096,===SHA3===${b64(16)}|${b64(20)}|${b64(20)}`],
    ['a property of objects as hash', `==MULTI_SCRAM==,4096,__proto__0${b64(16)}|${b64(20)}|${b64(20)}`],
    ['a hash twice', `==MULTI_SCRAM==,4096,${SHA1},${SHA1}`],
    ['a key of another hash', `==MULTI_SCRAM==,4096,===SHA1===${b64(16)}|${b64(32)}|${b64(32)}`],
    ['a missing key', `==MULTI_SCRAM==,4096,===SHA1===${b64(16)}|${b64(20)}`],
    ['a key too many', `==MULTI_SCRAM==,4096,${SHA1}|${b64(20)}`],
    ['a short salt', `==MULTI_SCRAM==,4096,===SHA1===${b64(7)}|${b64(20)}|${b64(20)}`],
    ['a long salt', `==MULTI_SCRAM==,4096,===SHA1===${b64(65)}|${b64(20)}|${b64(20)}`],
    ['base64 without padding', `==MULTI_SCRAM==,4096,${SHA1.slice(0, -1)}`],
    ['white space', `==MULTI_SCRAM==,4096, ${SHA1}`],
    ['a line break at the end', `==MULTI_SCRAM==,4096,${SHA1}\n`],
    ['too few iterations', `==MULTI_SCRAM==,4095,${SHA1}`],
    ['too many iterations', `==MULTI_SCRAM==,1000001,${SHA1}`],
    ['a thousand million iterations', `==MULTI_SCRAM==,1000000000,${SHA1}`],
    ['iterations with exponent', `==MULTI_SCRAM==,1e5,${SHA1}`],
    ['iterations with sign', `==MULTI_SCRAM==,+5000,${SHA1}`],
    ['iterations with leading zero', `==MULTI_SCRAM==,05000,${SHA1}`],
    ['iterations in hexadecimal', `==MULTI_SCRAM==,0x2000,${SHA1}`],
    ['a fraction of an iteration', `==MULTI_SCRAM==,5000.5,${SHA1}`],
    ['no iterations', `==MULTI_SCRAM==,,${SHA1}`],
    ['the older form with too many parts', `==SCRAM==,${b64(20)},${b64(20)},${b64(16)},4096,1`],
    ['the older form with too many iterations', `==SCRAM==,${b64(20)},${b64(20)},${b64(16)},1000001`],
    ['a very long text', `==MULTI_SCRAM==,4096,${SHA1}${' '.repeat(5000)}`],
  ])('refuses %s', (_what, text) => {
    expect(parseCredentials(text)).toBeUndefined();
  });

  it.each([SCRAM_ITERATIONS_MIN, SCRAM_ITERATIONS_MAX])('takes %i iterations', (iterations) => {
    expect(parseCredentials(`==MULTI_SCRAM==,${iterations},${SHA1}`)?.iterations).toBe(iterations);
  });

  it('never throws', () => {
    const damaged = fc
      .tuple(credentials, fc.nat(), fc.string({ maxLength: 5 }))
      .map(([original, at, noise]) => {
        const text = serializeCredentials(original);
        const cut = at % text.length;
        return text.slice(0, cut) + noise + text.slice(cut + 1);
      });
    fc.assert(
      fc.property(fc.oneof(fc.string(), damaged), (text) => {
        const parsed = parseCredentials(text);
        if (parsed !== undefined) expect(parsed.hashes.size).toBeGreaterThan(0);
      }),
    );
  });
});
