import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AnonymousMethod } from '../../../../src/auth/anonymous.ts';
import { LocalAnonymousSessions } from '../../../../src/auth/anonymous-sessions.ts';
import { MethodLogins } from '../../../../src/auth/logins.ts';
import { createMechanism } from '../../../../src/auth/sasl/mechanism.ts';
import { MechanismOffer, offeredMechanisms } from '../../../../src/auth/sasl/offer.ts';
import { SASL_ABORTED, SASL_CONDITIONS } from '../../../../src/auth/sasl/result.ts';
import { parseLocalpart } from '../../../../src/xmpp/jid.ts';
import { ALL_OFFERED, conditionOf, makeHost, start, TLS, WITHOUT_PLUS } from '../support.ts';

const { host, method, auth } = await makeHost();

describe('choosing a mechanism', () => {
  it.each(ALL_OFFERED.mechanisms)('%s starts when it was offered', (name) => {
    expect(start(name, host).mechanism).toBe(name);
  });

  it.each([
    '',
    'scram-sha-1',
    'SCRAM-SHA-1 ',
    'SCRAM-MD5',
    'DIGEST-MD5',
    'EXTERNAL',
    'GSSAPI',
    'X-OAUTH',
    '__proto__',
    'constructor',
    'PLAIN\0',
    'X'.repeat(10_000),
  ])('invalid-mechanism: %j', (name) => {
    const result = createMechanism(name, { host, offer: ALL_OFFERED, tls: TLS });
    expect(result).toMatchObject({ kind: 'failure', condition: 'invalid-mechanism' });
  });

  it('invalid-mechanism: one that exists but was not offered here', () => {
    for (const name of ['SCRAM-SHA-1-PLUS', 'ANONYMOUS']) {
      const result = createMechanism(name, { host, offer: WITHOUT_PLUS, tls: undefined });
      expect(result).toMatchObject({ condition: 'invalid-mechanism' });
    }
  });

  it('invalid-mechanism: one that is offered but that nobody has', () => {
    const offer = new MechanismOffer(['DIGEST-MD5'], []);
    expect(createMechanism('DIGEST-MD5', { host, offer, tls: TLS })).toMatchObject({
      condition: 'invalid-mechanism',
    });
  });

  it('encryption-required: PLAIN without TLS', () => {
    const config = {
      mechanisms: undefined,
      hashes: ['sha'] as const,
      methods: [method],
      allowsPlainWithoutTls: false,
    };
    const offer = offeredMechanisms(config, undefined);
    expect(createMechanism('PLAIN', { host, offer, tls: undefined })).toMatchObject({
      condition: 'encryption-required',
    });
  });

  it('has a failure for <abort/>', () => {
    expect(SASL_ABORTED).toMatchObject({ kind: 'failure', condition: 'aborted' });
  });
});

describe('ANONYMOUS', () => {
  const anonymous = new AnonymousMethod({
    protocol: 'sasl_anon',
    allowMultipleConnections: false,
    sessions: new LocalAnonymousSessions(),
    existence: (domain, username) => auth.existence(domain, username),
  });
  const anonymousHost = { ...host, logins: new MethodLogins([method, anonymous]) };

  it('gives everybody a name of their own, of 128 bits, whatever trace they send (T29)', async () => {
    const names = new Set<string>();
    for (const data of [undefined, Buffer.alloc(0), Buffer.from('juliet'), Buffer.from([0xff, 0])]) {
      const result = await start('ANONYMOUS', anonymousHost).step(data);
      if (result.kind !== 'success') throw new Error(conditionOf(result));
      expect(result).toMatchObject({ method: 'anonymous', authzid: undefined, data: undefined });
      expect(result.username).toMatch(/^[0-9a-f]{32}$/);
      expect(parseLocalpart(result.username)).toBe(result.username);
      names.add(result.username);
    }
    expect(names.size).toBe(4);
  });

  it('is over after its result', async () => {
    const exchange = start('ANONYMOUS', anonymousHost);
    await exchange.step(undefined);
    expect(conditionOf(await exchange.step(undefined))).toBe('malformed-request');
  });

  it('not-authorized when no method wants it', async () => {
    expect(conditionOf(await start('ANONYMOUS', host).step(undefined))).toBe('not-authorized');
  });
});

describe('any mechanism, fed anything', () => {
  it('answers with a result, and succeeds for nobody', async () => {
    const names = fc.constantFrom('PLAIN', 'SCRAM-SHA-1', 'SCRAM-SHA-256-PLUS', 'SCRAM-SHA-512');
    const message = fc.oneof(
      fc.constant(undefined),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      fc
        .array(
          fc.constantFrom(
            'n,,',
            'p=tls-exporter,,',
            'n=juliet',
            'n=romeo',
            ',',
            'r=x',
            'c=biws',
            ',p=AAAA',
            '\0',
          ),
          {
            maxLength: 6,
          },
        )
        .map((parts) => Buffer.from(parts.join(''))),
    );
    await fc.assert(
      fc.asyncProperty(names, fc.array(message, { maxLength: 4 }), async (name, messages) => {
        const exchange = start(name, host);
        for (const data of messages) {
          const result = await exchange.step(data);
          expect(['challenge', 'failure']).toContain(result.kind);
          if (result.kind === 'failure') expect(SASL_CONDITIONS).toContain(result.condition);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
