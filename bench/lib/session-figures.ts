import { FULL_LOGIN_ACCOUNTS } from '../load/scenarios/full-login.ts';
import { type Effort, errorsOf, line, type Measure, onServer, plain, show } from './figure.ts';
import { type LoadOptions, type Measured, type MeerkatOptions, perOperation } from './processes.ts';
import { spread } from './statistics.ts';

/** Figures of sessions: what it takes to come, to come back, and to be there. */

export function login(effort: Effort, mechanism: string, scenario: string): Measure {
  return plain(`login with ${mechanism}`, effort.rounds, 350, async () =>
    onServer(1, { scenario, amount: effort.logins }),
  );
}

/** The classic way, and what takes fewer round trips, in turns. */
export function fullLogin(effort: Effort): Measure {
  const name = 'full login by SASL2 and Bind 2';
  const server = {
    accounts: FULL_LOGIN_ACCOUNTS,
    hasRosters: true,
    isTls: true,
  };
  return {
    name,
    run: async () => {
      const classic: Measured[] = [];
      const modern: Measured[] = [];
      const withToken: Measured[] = [];
      const run = (scenario: string): Promise<Measured> =>
        onServer(1, { scenario, amount: effort.fullLogins }, server);
      for (let round = 0; round < effort.rounds; round++) {
        classic.push(await run('full-login-classic'));
        modern.push(await run('full-login-modern'));
        withToken.push(await run('full-login-token'));
      }
      const beside = (all: readonly Measured[]) =>
        spread(all.map((one, i) => perOperation(one) / perOperation(classic[i]!)));
      const ratio = beside(modern);
      const cost = spread(modern.map(perOperation));
      return {
        name,
        summary: `${cost.median.toFixed(0)} µs of processor time, ${ratio.median.toFixed(2)} × the same by the classic profile`,
        // It saves round trips; it is not to cost anything.
        target: '≤ 1 ×',
        isReached: ratio.median <= 1,
        details: [
          `ratio ${show(ratio, 2)} over ${effort.rounds} rounds; with a token instead of the password ${show(beside(withToken), 2)}`,
          line('classic, six round trips inside TLS', classic),
          line('SASL2 and Bind 2, three', modern),
          line('with a token, one', withToken),
        ],
        errors: errorsOf([...classic, ...modern, ...withToken]),
      };
    },
  };
}

/** Beside a plain login, on a server of as many shards. */
export function resumeStorm(effort: Effort, shards: number): Measure {
  const name = `resume storm, ${shards} ${shards === 1 ? 'shard' : 'shards'}`;
  return {
    name,
    run: async () => {
      const logins: Measured[] = [];
      const resumed: Measured[] = [];
      const amount = effort.resumptions;
      const options = { scenario: 'resume-storm', amount, watchesShards: shards > 1 };
      for (let round = 0; round < effort.rounds; round++) {
        logins.push(await onServer(shards, { scenario: 'login-plain', amount }));
        resumed.push(await onServer(shards, options, { accounts: amount }));
      }
      const cost = spread(resumed.map(perOperation));
      const ratio = spread(resumed.map((one, i) => perOperation(one) / perOperation(logins[i]!)));
      const moved = spread(resumed.map((one) => one.moved / one.count));
      return {
        name,
        summary: `${cost.median.toFixed(0)} µs of processor time, ${ratio.median.toFixed(2)} × a login with PLAIN`,
        target: undefined,
        isReached: undefined,
        details: [
          `ratio ${show(ratio, 2)} over ${effort.rounds} rounds; ${amount} sessions, ${(moved.median * 100).toFixed(0)} % of them resumed on another shard`,
          line('logins', logins),
          line('resumptions', resumed),
        ],
        // With several shards it is the moving that is to be measured.
        errors: errorsOf(resumed) + (shards > 1 ? resumed.filter((one) => one.moved === 0).length : 0),
      };
    },
  };
}

/** How the sessions of an idle figure are there; `full`: with stream management, and 20 contacts each. */
type IdleKind = 'plain' | 'full' | 'tls' | 'tls-post-quantum';

const IDLE: Readonly<Record<IdleKind, { scenario: string; what: string; how: string; targetKib: number }>> = {
  plain: { scenario: 'idle', what: '', how: 'plain TCP', targetKib: 8 },
  full: {
    scenario: 'idle-acknowledged',
    what: ' with stream management and 20 contacts',
    how: 'plain TCP',
    targetKib: 10,
  },
  tls: { scenario: 'idle-tls', what: ' over TLS', how: 'TLS 1.3, keys by X25519', targetKib: 30 },
  'tls-post-quantum': {
    scenario: 'idle-tls-post-quantum',
    what: ' over TLS with post-quantum keys',
    how: 'TLS 1.3, keys by X25519MLKEM768',
    targetKib: 30,
  },
};

/** Resident memory of the server for each session that does nothing. */
export function idle(effort: Effort, kind: IdleKind): Measure {
  const { scenario, what, how, targetKib } = IDLE[kind];
  const name = `idle session${what}, ${effort.sessions} of them`;
  const server: Partial<MeerkatOptions> = {
    accounts: Math.max(64, effort.sessions),
    hasRosters: kind === 'full',
    isTls: kind.startsWith('tls'),
  };
  const options: LoadOptions = { scenario, amount: effort.sessions };
  return {
    name,
    run: async () => {
      const all: Measured[] = [];
      const rounds = Math.min(effort.rounds, 3);
      for (let round = 0; round < rounds; round++) all.push(await onServer(1, options, server));
      const kib = spread(all.map((one) => (one.residentAfter - one.residentBefore) / one.count / 1024));
      return {
        name,
        summary: `${kib.median.toFixed(1)} KiB of resident memory`,
        target: `≤ ${targetKib} KiB`,
        isReached: kib.median <= targetKib,
        details: [`${show(kib, 1)} KiB; bound and available, ${how}`],
        errors: errorsOf(all),
      };
    },
  };
}
