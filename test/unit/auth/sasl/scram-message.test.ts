import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePlain } from '../../../../src/auth/sasl/plain.ts';
import {
  CLIENT_NONCE_CHARS_MAX,
  parseClientFinal,
  parseClientFirst,
} from '../../../../src/auth/sasl/scram-message.ts';
import { cpuMs } from '../../../helpers/cpu.ts';

const first = (text: string) => parseClientFirst(Buffer.from(text));
const final = (text: string) => parseClientFinal(Buffer.from(text));

describe('client-first-message', () => {
  it('is read', () => {
    expect(first('n,,n=user,r=nonce')).toEqual({
      flag: 'n',
      bindingType: '',
      authzid: '',
      gs2Header: 'n,,',
      bare: 'n=user,r=nonce',
      username: 'user',
      nonce: 'nonce',
    });
    expect(first('p=tls-exporter,a=juliet@x=2Cy,n=b=3Da=2C=3D,r=a=b,x=ext=ension,Y=1')).toEqual({
      flag: 'p',
      bindingType: 'tls-exporter',
      authzid: 'juliet@x,y',
      gs2Header: 'p=tls-exporter,a=juliet@x=2Cy,',
      bare: 'n=b=3Da=2C=3D,r=a=b,x=ext=ension,Y=1',
      username: 'b=a,=',
      nonce: 'a=b',
    });
    expect(first('y,,n=ü,r=x')).toMatchObject({ flag: 'y', username: 'ü' });
  });

  it.each([
    '',
    'n',
    'n,',
    'n,,',
    ',,n=user,r=nonce',
    'N,,n=user,r=nonce',
    'z,,n=user,r=nonce',
    'nn,,n=user,r=nonce',
    'y=,,n=user,r=nonce',
    'p,,n=user,r=nonce',
    'p=,,n=user,r=nonce',
    'p=tls_exporter,,n=user,r=nonce',
    'p=tls=exporter,,n=user,r=nonce',
    'F,n,,n=user,r=nonce',
    'n,juliet,n=user,r=nonce',
    'n,a=,n=user,r=nonce',
    'n,b=juliet,n=user,r=nonce',
    'n,a=a=2,n=user,r=nonce',
    'n,,n=user',
    'n,,n=user,',
    'n,,n=user,r=',
    'n,,n=,r=nonce',
    'n,,user,r=nonce',
    'n,,N=user,r=nonce',
    'n,,r=nonce,n=user',
    'n,,n=user,R=nonce',
    'n,,n=us=er,r=nonce',
    'n,,n=user=,r=nonce',
    'n,,n=user=2,r=nonce',
    'n,,n=user=2c,r=nonce',
    'n,,n=user=3d,r=nonce',
    'n,,n=user=00,r=nonce',
    'n,,n=user,r=no nce',
    'n,,n=user,r=nönce',
    'n,,n=user,r=nonce\x7f',
    'n,,n=user,r=nonce\n',
    'n,,n=us\0er,r=nonce',
    'n,,n=user,r=nonce\0',
    'n,,n=user,r=nonce,',
    'n,,n=user,r=nonce,,x=1',
    'n,,n=user,r=nonce,x',
    'n,,n=user,r=nonce,x=',
    'n,,n=user,r=nonce,xy=1',
    'n,,n=user,r=nonce,1=1',
    'n,,n=user,r=nonce,r=other',
    'n,,n=user,r=nonce,n=admin',
    'n,,n=user,r=nonce,a=admin',
    `n,,n=user,r=${'x'.repeat(CLIENT_NONCE_CHARS_MAX + 1)}`,
  ])('malformed: %j', (text) => {
    expect(first(text)).toBe('malformed-request');
  });

  it.each(['n,,m=ext,n=user,r=nonce', 'n,,n=user,r=nonce,m=ext', 'n,,n=user,r=nonce,x=1,m=ext'])(
    'has a mandatory extension (T26): %s',
    (text) => {
      expect(first(text)).toBe('not-authorized');
    },
  );

  it('may have a long nonce, up to its limit', () => {
    const nonce = 'x'.repeat(CLIENT_NONCE_CHARS_MAX);
    expect(first(`n,,n=user,r=${nonce}`)).toMatchObject({ nonce });
  });

  it('is UTF-8 without surrogates or overlong forms (T34)', () => {
    for (const name of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xc3], [0xf4, 0x90, 0x80, 0x80]]) {
      const data = Buffer.concat([Buffer.from('n,,n='), Buffer.from(name), Buffer.from(',r=nonce')]);
      expect(parseClientFirst(data)).toBe('malformed-request');
    }
    expect(parseClientFirst(Buffer.from('n,,n=user,r=nonce', 'utf16le'))).toBe('malformed-request');
  });
});

describe('client-final-message', () => {
  it('is read', () => {
    expect(final('c=biws,r=nonce,p=cHJvb2Y=')).toEqual({
      binding: Buffer.from('n,,'),
      nonce: 'nonce',
      proof: Buffer.from('proof'),
      withoutProof: 'c=biws,r=nonce',
    });
    expect(final('c=biws,r=n=p=,x=p=1,y=2,p=cHJvb2Y=')).toMatchObject({
      nonce: 'n=p=',
      withoutProof: 'c=biws,r=n=p=,x=p=1,y=2',
    });
  });

  it.each([
    '',
    'c=biws',
    'c=biws,r=nonce',
    'c=biws,p=cHJvb2Y=',
    'r=nonce,c=biws,p=cHJvb2Y=',
    'c=biws,r=,p=cHJvb2Y=',
    'c=biws,r=nonce,p=cHJvb2Y',
    'c=biws,r=nonce,p=cHJvb2Y=,x=1',
    'c=biws,r=nonce,p=cHJvb2Y=,p=cHJvb2Y=',
    'c=biws,r=nonce,r=nonce2,p=cHJvb2Y=',
    'c=biws,r=nonce,c=biws,p=cHJvb2Y=',
    'c=biw,r=nonce,p=cHJvb2Y=',
    'c= biws,r=nonce,p=cHJvb2Y=',
    'c=biws,r=no nce,p=cHJvb2Y=',
    'c=biws,r=nonce,x=,p=cHJvb2Y=',
    'c=biws,r=nonce,x,p=cHJvb2Y=',
    'c=biws,r=nonce,,p=cHJvb2Y=',
    'c=biws,r=nonce,p=cHJvb2Y=\0',
    'c=biws,r=nonce,p=cHJvb2Y=\n',
  ])('malformed: %j', (text) => {
    expect(final(text)).toBe('malformed-request');
  });

  it.each(['m=x,c=biws,r=nonce,p=cHJvb2Y=', 'c=biws,r=nonce,m=x,p=cHJvb2Y='])(
    'has a mandatory extension (T26): %s',
    (text) => {
      expect(final(text)).toBe('not-authorized');
    },
  );
});

/** Fragments from which a fuzzer soon builds messages that are almost right. */
const noise = fc
  .array(
    fc.constantFrom(
      ...[
        'n',
        'y',
        'p=',
        'tls-exporter',
        ',',
        ',,',
        'a=',
        'n=',
        'r=',
        'c=',
        'p=',
        'm=',
        'x=',
        '=2C',
        '=3D',
        '=',
      ],
      ...['biws', 'user', 'nonce', '\0', 'é', '\ufeff', ' ', '\n'],
    ),
    { maxLength: 14 },
  )
  .map((parts) => Buffer.from(parts.join('')));
const bytes = fc.uint8Array({ maxLength: 64 }).map((array) => Buffer.from(array));

describe('any bytes at all', () => {
  it('are read or refused, and what is read accounts for every byte', () => {
    fc.assert(
      fc.property(fc.oneof(noise, bytes), (data) => {
        const one = parseClientFirst(data);
        if (typeof one !== 'string') {
          expect(Buffer.from(one.gs2Header + one.bare)).toEqual(data);
          expect(one.username).not.toBe('');
          expect(one.nonce).not.toBe('');
        }
        const two = parseClientFinal(data);
        if (typeof two !== 'string') {
          expect(Buffer.from(`${two.withoutProof},p=${two.proof.toString('base64')}`)).toEqual(data);
        }
        const plain = parsePlain(data);
        if (plain !== undefined) {
          expect(Buffer.from([plain.authzid, plain.authcid, plain.password].join('\0'))).toEqual(data);
        }
      }),
      { numRuns: 5000 },
    );
  });

  it('give back every name that a client escapes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (name) => {
        fc.pre(name.isWellFormed() && !name.includes('\0'));
        const escaped = name.replaceAll('=', '=3D').replaceAll(',', '=2C');
        expect(first(`n,a=${escaped},n=${escaped},r=x`)).toMatchObject({ username: name, authzid: name });
      }),
    );
  });

  it('are read in time that grows with their length only (T55)', () => {
    for (const filler of ['=2C', '=3D', ',x=1', '=', ',', 'n=']) {
      const data = Buffer.from(`n,,n=${filler.repeat(300_000 / filler.length)},r=x`);
      const took = cpuMs(() => {
        parseClientFirst(data);
        parseClientFinal(data);
      });
      expect(took).toBeLessThan(500);
    }
  });
});
