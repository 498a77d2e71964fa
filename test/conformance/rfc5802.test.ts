import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { deriveKeys } from '../../src/auth/derive.ts';
import { channelBindingData } from '../../src/auth/sasl/channel-binding.ts';
import type { SaslContext } from '../../src/auth/sasl/exchange.ts';
import { createMechanism } from '../../src/auth/sasl/mechanism.ts';
import { MechanismOffer } from '../../src/auth/sasl/offer.ts';
import { HASH_FACTS, SCRAM_HASHES, type ScramHash } from '../../src/auth/scram.ts';

interface Vector {
  source: string;
  mechanism: string;
  hash: ScramHash;
  salt: string;
  serverNonce: string;
  clientFirst: string;
  serverFirst: string;
  clientFinal: string;
  serverFinal: string;
  downgradeLists?: { mechanisms: string[]; bindings: string[] };
}

/** All for user `user` with password `pencil` and 4096 iterations. */
const VECTORS: Vector[] = [
  {
    source: 'RFC 5802 §5',
    mechanism: 'SCRAM-SHA-1',
    hash: 'sha',
    salt: 'QSXCR+Q6sek8bf92',
    serverNonce: '3rfcNHYJY1ZVvWVs7j',
    clientFirst: 'n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL',
    serverFirst: 'r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096',
    clientFinal: 'c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=',
    serverFinal: 'v=rmF9pqV8S7suAoZWja4dJRkFsKQ=',
  },
  {
    source: 'RFC 7677 §3',
    mechanism: 'SCRAM-SHA-256',
    hash: 'sha256',
    salt: 'W22ZaJ0SNY7soEsUEjb6gQ==',
    serverNonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
    clientFirst: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
    serverFirst: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    clientFinal:
      'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    serverFinal: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
  },
  {
    source: 'XEP-0474 0.5 §5.3',
    mechanism: 'SCRAM-SHA-1-PLUS',
    hash: 'sha',
    salt: 'QSXCR+Q6sek8bf92',
    serverNonce: 'a09117a6-ac50-4f2f-93f1-93799c2bddf6',
    clientFirst: 'p=tls-exporter,,n=user,r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6',
    serverFirst:
      'r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6a09117a6-ac50-4f2f-93f1-93799c2bddf6,s=QSXCR+Q6sek8bf92,i=4096,h=G6k/rBLDqgOhRRaCuuatSDFkJ08=',
    clientFinal:
      'c=cD10bHMtZXhwb3J0ZXIsLFRISVMgSVMgRkFLRSBDQiBEQVRB,r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6a09117a6-ac50-4f2f-93f1-93799c2bddf6,x=19C6532F-1CF4-4A27-A18D-DC9CEA41BBB3,p=M/SIDjT+dfcxUh89jZEypRvFxB4=',
    serverFinal: 'v=MQrMPvv7yv4x4Cq4W4Ih25EqS2c=',
    downgradeLists: {
      mechanisms: ['SCRAM-SHA-1', 'SCRAM-SHA-1-PLUS'],
      bindings: ['tls-server-end-point', 'tls-exporter'],
    },
  },
];

function contextOf(vector: Vector): SaslContext {
  const keys = deriveKeys('pencil', vector.hash, Buffer.from(vector.salt, 'base64'), 4096)!;
  const salt = Buffer.from(vector.salt, 'base64');
  const login = { keys: { ...keys, salt, iterations: 4096 }, method: 'internal' };
  const lists = vector.downgradeLists;
  return {
    host: {
      domain: 'example.org',
      external: { strategies: ['standard'], commonNamePrefix: '', commonNameSuffix: '' },
      externalModules: () => ({ kind: 'refused', condition: 'not-authorized' }),
      logins: {
        scramKeys: async (_domain, username) => (username === 'user' ? login : undefined),
        checkPassword: async () => undefined,
        acceptsCertificate: async () => undefined,
        anonymousMethod: () => undefined,
      },
      decoySecret: Buffer.alloc(32),
      iterations: 4096,
      hasDowngradeProtection: lists !== undefined,
    },
    offer: new MechanismOffer(lists?.mechanisms ?? [vector.mechanism], lists?.bindings ?? []),
    tls: {
      protocol: 'TLSv1.3',
      exporter: () => Buffer.from('THIS IS FAKE CB DATA'),
      serverEndPoint: undefined,
    },
    makeNonce: () => vector.serverNonce,
  };
}

describe('SCRAM test vectors', () => {
  it.each(VECTORS)('$source: $mechanism', async (vector) => {
    const exchange = createMechanism(vector.mechanism, contextOf(vector));
    if ('kind' in exchange) throw new Error(exchange.condition);
    const challenge = await exchange.step(Buffer.from(vector.clientFirst));
    expect(challenge.kind === 'challenge' && challenge.data.toString()).toBe(vector.serverFirst);
    const result = await exchange.step(Buffer.from(vector.clientFinal));
    expect(result).toMatchObject({ kind: 'success', username: 'user', method: 'internal' });
    expect(result.kind === 'success' && result.data?.toString()).toBe(vector.serverFinal);
  });

  it.each(SCRAM_HASHES)('derives the keys of RFC 5802 §3 with %s', (hash) => {
    const { digest, bytes } = HASH_FACTS[hash];
    const salt = Buffer.from('0123456789abcdef');
    const salted = pbkdf2Sync('pencil', salt, 5000, bytes, digest);
    const clientKey = createHmac(digest, salted).update('Client Key').digest();
    expect(deriveKeys('pencil', hash, salt, 5000)).toEqual({
      storedKey: createHash(digest).update(clientKey).digest(),
      serverKey: createHmac(digest, salted).update('Server Key').digest(),
    });
  });

  it('knows no other channel-binding type than those it lists', () => {
    expect(channelBindingData(contextOf(VECTORS[0]!).tls, 'tls-unique')).toBeUndefined();
  });
});
