import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { MECHANISMS, type MechanismKind } from '../../../../src/auth/sasl/catalogue.ts';
import { type MechanismConfig, MechanismOffer, offeredMechanisms } from '../../../../src/auth/sasl/offer.ts';
import { SCRAM_HASHES } from '../../../../src/auth/scram.ts';
import { TLS } from '../support.ts';

const method = (...kinds: MechanismKind[]) => ({ supports: (kind: MechanismKind) => kinds.includes(kind) });
const INTERNAL = method('plain', 'scram');
const CONFIG: MechanismConfig = {
  mechanisms: undefined,
  hashes: SCRAM_HASHES,
  methods: [INTERNAL],
  allowsPlainWithoutTls: false,
};
const SCRAM_ALL = ['512', '384', '256', '224', '1'].map((n) => `SCRAM-SHA-${n}`);
const WITH_PLUS = SCRAM_ALL.flatMap((name) => [`${name}-PLUS`, name]);

describe('the offer', () => {
  it('on TLS 1.3: the strongest first', () => {
    const offer = offeredMechanisms(CONFIG, TLS);
    expect(offer.mechanisms).toEqual([...WITH_PLUS, 'PLAIN']);
    expect(offer.channelBindings).toEqual(['tls-exporter', 'tls-server-end-point']);
    expect(offer.hasPlus).toBe(true);
  });

  it('on TLS 1.2: no tls-exporter', () => {
    const offer = offeredMechanisms(CONFIG, { ...TLS, protocol: 'TLSv1.2' });
    expect(offer.mechanisms).toEqual([...WITH_PLUS, 'PLAIN']);
    expect(offer.channelBindings).toEqual(['tls-server-end-point']);
  });

  it('on TLS without access to it (WebSocket, BOSH): no -PLUS', () => {
    const offer = offeredMechanisms(CONFIG, { ...TLS, exporter: undefined, serverEndPoint: undefined });
    expect(offer.mechanisms).toEqual([...SCRAM_ALL, 'PLAIN']);
    expect(offer.channelBindings).toEqual([]);
    expect(offer.hasPlus).toBe(false);
  });

  it('with a certificate that has no end-point data: tls-exporter only', () => {
    const offer = offeredMechanisms(CONFIG, { ...TLS, serverEndPoint: undefined });
    expect(offer.channelBindings).toEqual(['tls-exporter']);
    expect(offer.hasPlus).toBe(true);
  });

  it('without TLS: no -PLUS, and no PLAIN unless allowed', () => {
    const offer = offeredMechanisms(CONFIG, undefined);
    expect(offer.mechanisms).toEqual(SCRAM_ALL);
    expect(offer.needTls).toEqual(['PLAIN']);
    const lax = offeredMechanisms({ ...CONFIG, allowsPlainWithoutTls: true }, undefined);
    expect(lax.mechanisms).toEqual([...SCRAM_ALL, 'PLAIN']);
    expect(lax.needTls).toEqual([]);
  });

  it('keeps to the configured hashes', () => {
    expect(offeredMechanisms({ ...CONFIG, hashes: ['sha256'] }, TLS).mechanisms).toEqual([
      'SCRAM-SHA-256-PLUS',
      'SCRAM-SHA-256',
      'PLAIN',
    ]);
  });

  it('keeps to the configured list and its order, each once; names unknown here are passed over', () => {
    const mechanisms = ['PLAIN', 'SCRAM-SHA-1', 'X-OAUTH', 'SCRAM-SHA-256-PLUS', 'PLAIN', '__proto__'];
    expect(offeredMechanisms({ ...CONFIG, mechanisms }, TLS).mechanisms).toEqual([
      'PLAIN',
      'SCRAM-SHA-1',
      'SCRAM-SHA-256-PLUS',
    ]);
    expect(offeredMechanisms({ ...CONFIG, mechanisms: [] }, TLS).mechanisms).toEqual([]);
  });

  it('announces channel-binding types only along with a -PLUS mechanism (XEP-0440)', () => {
    const offer = offeredMechanisms({ ...CONFIG, mechanisms: ['SCRAM-SHA-1', 'PLAIN'] }, TLS);
    expect(offer.channelBindings).toEqual([]);
  });

  it('has what the methods support', () => {
    const of = (...methods: MechanismConfig['methods']) =>
      offeredMechanisms({ ...CONFIG, methods }, TLS).mechanisms;
    expect(of()).toEqual([]);
    expect(of(method('anonymous'))).toEqual(['ANONYMOUS']);
    expect(of(method('anonymous', 'plain'))).toEqual(['PLAIN', 'ANONYMOUS']);
    expect(of(INTERNAL, method('anonymous'))).toEqual([...WITH_PLUS, 'PLAIN', 'ANONYMOUS']);
  });

  it('has option names as MongooseIM spells them', () => {
    expect(MECHANISMS.map((mechanism) => mechanism.option)).toEqual([
      'external',
      ...['scram_sha512_plus', 'scram_sha512', 'scram_sha384_plus', 'scram_sha384'],
      ...['scram_sha256_plus', 'scram_sha256', 'scram_sha224_plus', 'scram_sha224'],
      ...['scram_sha1_plus', 'scram_sha1', 'plain', 'anonymous'],
    ]);
  });
});

describe('the hash of an offer (XEP-0474)', () => {
  it('is over both lists, sorted', () => {
    const offer = new MechanismOffer(
      ['SCRAM-SHA-1', 'PLAIN', 'SCRAM-SHA-1-PLUS'],
      ['tls-server-end-point', 'b'],
    );
    const text = 'PLAIN\x1eSCRAM-SHA-1\x1eSCRAM-SHA-1-PLUS\x1fb\x1etls-server-end-point';
    for (const [hash, digest] of [
      ['sha', 'sha1'],
      ['sha512', 'sha512'],
    ] as const) {
      const expected = createHash(digest).update(text).digest('base64');
      expect(offer.downgradeHash(hash)).toBe(expected);
      expect(offer.downgradeHash(hash)).toBe(expected);
    }
  });

  it('leaves out the second list when it was not advertised', () => {
    const offer = new MechanismOffer(['SCRAM-SHA-1', 'PLAIN'], []);
    const expected = createHash('sha256').update('PLAIN\x1eSCRAM-SHA-1').digest('base64');
    expect(offer.downgradeHash('sha256')).toBe(expected);
  });
});
