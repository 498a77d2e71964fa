import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CrashRun } from './crash-run.ts';

/**
 * Keeps what a run that failed has left: the server's log, all blows, and each message's fate, with times that can be compared with those of the log. Returns the directory.
 */
export function keepEvidence(run: CrashRun): string {
  const directory = mkdtempSync(join(tmpdir(), 'meerkat-crash-'));
  const keep = (name: string, lines: readonly unknown[]): void =>
    writeFileSync(join(directory, name), `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`);
  writeFileSync(join(directory, 'server.log'), run.server.log);
  keep(
    'strikes.jsonl',
    run.strikes.map(({ at, ...strike }) => ({ ...strike, at: wallClock(at) })),
  );
  for (const [i, { sent, seen, sessions }] of run.directions().entries()) {
    keep(
      `pair-${i}-sent.jsonl`,
      sent.map((one) => ({ ...one, sentAt: wallClock(one.sentAt), ackedAt: wallClock(one.ackedAt) })),
    );
    keep(
      `pair-${i}-seen.jsonl`,
      seen.map(({ serial, isDelayed, at, session }) => {
        return { serial, isDelayed, at: wallClock(at), session: sessions.indexOf(session) };
      }),
    );
    keep(
      `pair-${i}-sessions.jsonl`,
      sessions.map(({ openedAt, lostAt, endedAt, isBroken }) => {
        return {
          openedAt: wallClock(openedAt),
          lostAt: wallClock(lostAt),
          endedAt: wallClock(endedAt),
          isBroken,
        };
      }),
    );
  }
  return directory;
}

function wallClock(time: number | undefined): string | undefined {
  return time === undefined ? undefined : new Date(performance.timeOrigin + time).toISOString();
}
