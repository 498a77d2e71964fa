/**
 * What clients of a crash run have sent and seen, and whether that is what the server has promised. Times are `performance.now()`.
 *
 * A message that a client sends again because it was not acknowledged before its session was lost is another transmission of the same message: XEP-0198 cannot keep
 * the first one from arriving as well. A transmission must never come twice.
 */

export interface Transmission {
  /** Of its sender, in the order of sending; the server must keep it. */
  readonly serial: number;
  /** Which message it is. */
  readonly message: number;
  readonly sentAt: number;
  ackedAt: number | undefined;
  /** How its client heard that: `a`, `resumed`. */
  ackedBy?: string;
  /** The condition of the error that came back. */
  bounced: string | undefined;
}

/** A session of a receiver. */
export interface ReaderSession {
  readonly openedAt: number;
  /** Until when what was given to the session may have been lost with it: it ended by a kill. Undefined: it has ended in order, or lives. */
  lostAt: number | undefined;
  /** Whether its client could not say any more what it had. */
  isBroken?: boolean;
  /** When it has ended in order, or its client has heard that the server has ended it: what its client had not acknowledged was then on its way into storage. */
  endedAt: number | undefined;
}

export interface Sighting {
  readonly serial: number;
  readonly session: ReaderSession;
  /** Whether it came out of storage. */
  readonly isDelayed: boolean;
  readonly at: number;
}

/** One sender and one receiver. */
export interface Direction {
  readonly name: string;
  readonly sent: readonly Transmission[];
  readonly seen: readonly Sighting[];
  readonly sessions: readonly ReaderSession[];
}

export interface Verdict {
  readonly problems: string[];
  /** Transmissions that were acknowledged. */
  acknowledged: number;
  /** Those of them that were answered with an error, and did not arrive. */
  bounced: number;
  /** How many of these, by direction and condition of the error. */
  readonly bounces: Map<string, number>;
  /** Those that were in the memory of a session of their receiver that was killed, and nowhere else: only an archive has them. */
  onlyInMemory: Transmission[];
  /** Transmissions that came once more after a kill, because it was not certain that they had been delivered. */
  repeated: number;
  /** Transmissions that came behind others that were sent long after them, because the store was away meanwhile. */
  late: number;
  /** Messages of which more than one transmission arrived. */
  sentTwice: number;
}

/** When what was killed. */
export interface Kills {
  /** The process, or a shard: what its sessions had in memory is gone. */
  readonly memory: readonly number[];
  /** The process, or the store: what it knew of messages in hand is gone. */
  readonly store: readonly number[];
  /** The store alone: what shards wanted to write waits in their memory. */
  readonly storeThread: readonly number[];
}

/** From the end of a session what its client had not acknowledged is on its way into storage for no longer than this. */
const STORING_MS_MAX = 5_000;

/** Named of each pair. */
const PROBLEMS_MAX = 30;

/** A message comes back only for this: too much waits for somebody, or for the store. */
const BOUNCE = 'resource-constraint';

/** What was under way to a shard when it was killed, or in the moment after, is in the memory of its sender's until it is routed anew. */
const REROUTING_MS_MAX = 1_000;

/** Looks at everything that happened. */
export function judge(directions: readonly Direction[], kills: Kills): Verdict {
  const verdict: Verdict = {
    problems: [],
    acknowledged: 0,
    bounced: 0,
    bounces: new Map(),
    onlyInMemory: [],
    repeated: 0,
    late: 0,
    sentTwice: 0,
  };
  for (const direction of directions) judgeOne(direction, kills, verdict);
  return verdict;
}

function judgeOne(direction: Direction, kills: Kills, verdict: Verdict): void {
  const { name, sent, seen, sessions } = direction;
  let problems = 0;
  const problem = (text: string): void => {
    if (++problems <= PROBLEMS_MAX) verdict.problems.push(`${name}: ${text}`);
  };
  const bySerial = new Map<number, Sighting[]>();
  let latest: Sighting | undefined;
  const overtaken: Sighting[] = [];
  const overtaking: Sighting[] = [];
  for (const sighting of seen) {
    const before = bySerial.get(sighting.serial);
    if (before === undefined) {
      bySerial.set(sighting.serial, [sighting]);
      if (latest !== undefined && sighting.serial < latest.serial) {
        if (mayBeLate(sighting, latest, sent, kills.storeThread)) {
          verdict.late++;
          continue;
        }
        problem(`${sighting.serial} after ${latest.serial}`);
        overtaken.push(sighting);
        overtaking.push(latest);
      } else latest = sighting;
    } else {
      if (isRepeatable(before.at(-1)!, sighting, kills.store)) verdict.repeated++;
      else problem(`${sighting.serial} came again ${describe(before.at(-1)!)}, then ${describe(sighting)}`);
      before.push(sighting);
    }
  }
  if (overtaken.length > 0) {
    const [first, latestOne] = [overtaken[0]!, overtaking[0]!];
    problem(
      `${first.serial} was sent at ${ms(sent[first.serial]?.sentAt)}, acknowledged at ${ms(sent[first.serial]?.ackedAt)}, came at ${ms(first.at)}, ${describe(first)}; ` +
        `${latestOne.serial} was sent at ${ms(sent[latestOne.serial]?.sentAt)}, came at ${ms(latestOne.at)}, ${describe(latestOne)}; ${lives(sessions, kills)}`,
    );
  }
  const missing: Transmission[] = [];
  const arrivals = new Map<number, number>();
  const lastSeen = lastSeenOf(seen);
  for (const transmission of sent) {
    const { serial, message, ackedAt, bounced } = transmission;
    const hasArrived = bySerial.has(serial);
    if (hasArrived) arrivals.set(message, (arrivals.get(message) ?? 0) + 1);
    if (bounced !== undefined && !bounced.startsWith(BOUNCE)) problem(`${serial} came back (${bounced})`);
    if (bounced !== undefined && hasArrived) problem(`${serial} arrived although it came back (${bounced})`);
    if (ackedAt === undefined) continue;
    verdict.acknowledged++;
    if (bounced !== undefined) {
      verdict.bounced++;
      const kind = `${name}: ${bounced}`;
      verdict.bounces.set(kind, (verdict.bounces.get(kind) ?? 0) + 1);
    } else if (!hasArrived) {
      if (
        wasReroutedInVain(transmission, kills.memory) ||
        sessions.some((_session, first) => mayHaveHeld(sessions, first, lastSeen, transmission, kills.memory))
      )
        verdict.onlyInMemory.push(transmission);
      else missing.push(transmission);
    }
  }
  for (const { serial } of missing) problem(`${serial} was acknowledged and is nowhere`);
  if (missing.length > 0) problem(circumstances(missing, sessions, kills));
  for (const serial of bySerial.keys()) if (sent[serial] === undefined) problem(`${serial} was never sent`);
  for (const count of arrivals.values()) if (count > 1) verdict.sentTwice++;
}

/** What was stored is deleted only when it is known to be delivered: what dies before that leaves it for the next session. */
function isRepeatable(first: Sighting, second: Sighting, storeKills: readonly number[]): boolean {
  if (first.session === second.session) return false;
  if (first.session.lostAt !== undefined || first.session.isBroken === true) return true;
  return first.isDelayed && storeKills.some((at) => first.session.openedAt <= at && at <= second.at);
}

/**
 * Whether a message was to be stored, and what was sent later did not wait for it, because the store was away: nobody waits any longer once a try to store something has failed, nor longer
 * than five seconds for what is stored (docs/durability.md). Nor does what a client sends in a new session wait for what it sent in one that was lost, and nobody had acknowledged.
 */
function mayBeLate(
  overtaken: Sighting,
  overtaking: Sighting,
  sent: readonly Transmission[],
  storeKills: readonly number[],
): boolean {
  const earlier = sent[overtaken.serial];
  if (earlier === undefined) return false;
  if (earlier.ackedAt === undefined) return true;
  if (!overtaken.isDelayed) return false;
  return storeKills.some((at) => at >= earlier.sentAt - STORING_MS_MAX && at <= overtaking.at);
}

/** What each session has seen last. All comes in order: nothing before it was in the session's memory any more. */
function lastSeenOf(seen: readonly Sighting[]): Map<ReaderSession, number> {
  const last = new Map<ReaderSession, number>();
  for (const { session, serial } of seen) last.set(session, Math.max(serial, last.get(session) ?? -1));
  return last;
}

/**
 * Whether a session, the one at `first`, may have had it in memory when it was killed, or when it had just ended and its shard was killed. What a session has when the server ends it passes
 * to the next one of its client, and may be lost with that. It comes behind all that the client has seen in these sessions.
 */
function mayHaveHeld(
  sessions: readonly ReaderSession[],
  first: number,
  lastSeen: ReadonlyMap<ReaderSession, number>,
  { serial, sentAt, ackedAt }: Transmission,
  kills: readonly number[],
): boolean {
  const { openedAt, lostAt, endedAt } = sessions[first]!;
  if (openedAt > ackedAt! || sentAt > (lostAt ?? endedAt ?? Number.NEGATIVE_INFINITY)) return false;
  for (let i = first; i < sessions.length; i++) {
    const session = sessions[i]!;
    if (serial <= (lastSeen.get(session) ?? -1)) return false;
    if (session.lostAt !== undefined) return true;
    const end = session.endedAt;
    if (end === undefined) return false;
    if (kills.some((at) => at >= end && at - end <= STORING_MS_MAX)) return true;
    if (session.isBroken !== true) return false;
  }
  return false;
}

/** Whether it was under way to a shard that was killed, and another one was killed before it was anywhere else: two at a time. */
function wasReroutedInVain({ sentAt, ackedAt }: Transmission, kills: readonly number[]): boolean {
  const first = kills.find((at) => Math.abs(at - sentAt) <= REROUTING_MS_MAX);
  if (first === undefined) return false;
  return kills.some((at) => at > first && at > sentAt && at - ackedAt! <= STORING_MS_MAX);
}

/** For whoever has to find out what has become of them. */
function circumstances(
  missing: readonly Transmission[],
  sessions: readonly ReaderSession[],
  kills: Kills,
): string {
  const [first, last] = [missing[0]!, missing.at(-1)!];
  return (
    `the first was sent at ${ms(first.sentAt)}, acknowledged at ${ms(first.ackedAt)} by ${first.ackedBy}, the last sent at ${ms(last.sentAt)}, acknowledged at ${ms(last.ackedAt)} by ${last.ackedBy}; ` +
    lives(sessions, kills)
  );
}

function ms(time: number | undefined): string {
  return time === undefined ? '…' : String(Math.round(time));
}

function lives(sessions: readonly ReaderSession[], { memory, store }: Kills): string {
  const all = sessions.map(({ openedAt, lostAt, endedAt }) => {
    return `${ms(openedAt)} to ${lostAt === undefined ? ms(endedAt) : `its loss at ${ms(lostAt)}`}`;
  });
  return `sessions: ${all.join(', ')}; kills: ${memory.map(ms).join(' ')}, of the store: ${store.map(ms).join(' ')}`;
}

function describe({ isDelayed, session, at }: Sighting): string {
  const since = Math.round(at - session.openedAt);
  return `${isDelayed ? 'from storage' : 'live'} ${since} ms into a session${session.lostAt === undefined ? '' : ' that was lost'}`;
}
