import assert from 'node:assert/strict';
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { Bench } from 'tinybench';
import type { AccountStore, StoredPassword } from '../../src/auth/account-store.ts';
import { HostAuth } from '../../src/auth/auth.ts';
import { deriveKeys, makePasswordDetails } from '../../src/auth/derive.ts';
import { InternalMethod } from '../../src/auth/internal.ts';
import { PasswordVerifier } from '../../src/auth/password-verifier.ts';
import type { SaslContext, SaslExchange } from '../../src/auth/sasl/exchange.ts';
import { createMechanism } from '../../src/auth/sasl/mechanism.ts';
import { offeredMechanisms } from '../../src/auth/sasl/offer.ts';
import { SCRAM_HASHES } from '../../src/auth/scram.ts';

/**
 * The server's side of a login, store and PBKDF2 left out: what each of thousands of reconnecting clients costs its shard.
 */

const PASSWORD = 'r0m30myr0m30';
const ITERATIONS = 4096;
const SERVER_NONCE = 'aaaaaaaaaaaaaaaaaaaaaaaa';

/** One account in memory. */
function makeStore(stored: StoredPassword): AccountStore {
  const unused = () => Promise.reject(new Error('not part of this bench'));
  return {
    get: async () => stored,
    exists: async () => true,
    insert: unused,
    update: unused,
    remove: unused,
    removeDomain: unused,
    list: unused,
    count: unused,
  };
}

function makeContext(): SaslContext {
  const details = makePasswordDetails(PASSWORD, SCRAM_HASHES, ITERATIONS);
  const passwords = new PasswordVerifier({
    derive: async (...args) => deriveKeys(...args),
    makePasswordDetails: async (...args) => makePasswordDetails(...args),
  });
  const method = new InternalMethod({
    store: makeStore({ password: '', details }),
    passwords,
    policy: { format: 'scram', hashes: SCRAM_HASHES, iterations: ITERATIONS },
  });
  const logins = new HostAuth({ methods: [method] }).logins();
  const config = {
    mechanisms: undefined,
    hashes: SCRAM_HASHES,
    methods: logins.methods,
    allowsPlainWithoutTls: true,
  };
  return {
    host: {
      domain: 'example.com',
      logins,
      decoySecret: randomBytes(32),
      iterations: ITERATIONS,
      hasDowngradeProtection: true,
      external: { strategies: ['standard'], commonNamePrefix: '', commonNameSuffix: '' },
      externalModules: () => ({ kind: 'refused', condition: 'not-authorized' }),
    },
    offer: offeredMechanisms(config, undefined),
    tls: undefined,
    // As dear as a real nonce, yet the client's answer can be prepared.
    makeNonce: () => (randomBytes(18).toString('base64').length === 24 ? SERVER_NONCE : ''),
  };
}

function start(mechanism: string, context: SaslContext): SaslExchange {
  const exchange = createMechanism(mechanism, context);
  assert(!('kind' in exchange));
  return exchange;
}

/** The client-final-message (RFC 5802 §3) for a challenge, as bytes. */
function clientFinal(digest: string, bare: string, serverFirst: string): Buffer {
  const [r, s] = serverFirst.split(',');
  const hmac = (key: Buffer, data: string) => createHmac(digest, key).update(data).digest();
  const bytes = createHash(digest).digest().length;
  const salted = pbkdf2Sync(PASSWORD, Buffer.from(s!.slice(2), 'base64'), ITERATIONS, bytes, digest);
  const clientKey = hmac(salted, 'Client Key');
  const withoutProof = `c=biws,${r}`;
  const storedKey = createHash(digest).update(clientKey).digest();
  const signature = hmac(storedKey, `${bare},${serverFirst},${withoutProof}`);
  const proof = Buffer.from(clientKey.map((byte, i) => byte ^ signature[i]!));
  return Buffer.from(`${withoutProof},p=${proof.toString('base64')}`);
}

async function addScram(bench: Bench, mechanism: string, digest: string): Promise<void> {
  const context = makeContext();
  const bare = 'n=juliet,r=fyko+d2lbbFgONRv9qkxdawL';
  const first = Buffer.from(`n,,${bare}`);
  const challenge = await start(mechanism, context).step(first);
  assert(challenge.kind === 'challenge');
  const final = clientFinal(digest, bare, challenge.data.toString());
  bench.add(`${mechanism} exchange, server side`, async () => {
    const exchange = start(mechanism, context);
    await exchange.step(first);
    const result = await exchange.step(final);
    assert(result.kind === 'success');
  });
}

function addPlain(bench: Bench): void {
  const context = makeContext();
  const message = Buffer.from(`\0juliet\0${PASSWORD}`);
  bench.add('PLAIN, password verified before', async () => {
    const result = await start('PLAIN', context).step(message);
    assert(result.kind === 'success');
  });
}

/** Runs the scenarios; with `smoke` only a few rounds, to see that they work. */
export async function run(options: {
  smoke: boolean;
}): Promise<{ name: string; nsPerOp: number; opsPerSecond: number; samples: number; rme: number }[]> {
  const bench = new Bench(
    options.smoke ? { time: 0, iterations: 3, warmup: false, throws: true } : { time: 1000, throws: true },
  );
  await addScram(bench, 'SCRAM-SHA-1', 'sha1');
  await addScram(bench, 'SCRAM-SHA-256', 'sha256');
  addPlain(bench);
  await bench.run();
  return bench.tasks.map((task) => {
    assert(task.result.state === 'completed');
    const { mean, samplesCount, rme } = task.result.latency;
    return {
      name: task.name,
      nsPerOp: mean * 1e6,
      opsPerSecond: 1000 / mean,
      samples: samplesCount,
      rme,
    };
  });
}
