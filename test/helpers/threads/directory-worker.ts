import { parentPort, workerData } from 'node:worker_threads';
import { NO_PRIORITY, SessionDirectory, SessionList } from '../../../src/memory/directory.ts';
import { Dice } from '../../fuzz/dice.ts';
import { fieldsOf, type Occupancy, USERS } from './directory-traffic.ts';

/**
 * A shard that enters and removes sessions, and reads those of all shards, as fast as it can. Some sessions stay: whoever looks must find them.
 */

const { memory, sessionsMax, shard, seed, permanent, shards } = workerData as Occupancy;
const port = parentPort!;
const dice = new Dice(seed * 31 + shard);
const directory = new SessionDirectory(memory, sessionsMax);
directory.adopt(shard);
const list = new SessionList();
const mine: { handle: number; user: number; number: number }[] = [];
const complaints: string[] = [];
let nextNumber = 1_000;
let operations = 0;
let found = 0;

function complain(text: string): void {
  if (complaints.length < 5) complaints.push(`shard ${shard}: ${text}`);
}

function enter(user: number, number: number): number {
  const { bareHigh, bareLow, fullHigh, fullLow, time, jid } = fieldsOf(user, shard, number);
  return directory.insert(bareLow, bareHigh, fullLow, fullHigh, shard, number, time, jid);
}

/** All fields of an entry follow from user, shard and number: a mixed one is seen at once. */
function check(user: number): void {
  const { bareLow, bareHigh } = fieldsOf(user, 0, 0);
  const count = directory.findBare(bareLow, bareHigh, list);
  found += count;
  for (let i = 0; i < count; i++) {
    const wanted = fieldsOf(user, list.shard[i]!, list.number[i]!);
    if (
      list.time[i] !== wanted.time ||
      list.fullLow[i] !== wanted.fullLow ||
      list.fullHigh[i] !== wanted.fullHigh
    ) {
      complain(`a mixed entry of user ${user}`);
    }
    const priority = list.priority[i]!;
    if (priority !== NO_PRIORITY && priority !== list.number[i]! % 100)
      complain(`a strange priority ${priority}`);
  }
  if (user >= permanent) return;
  for (let other = 0; other < shards; other++) {
    let times = 0;
    for (let i = 0; i < count; i++) if (list.shard[i] === other && list.number[i] === user) times++;
    if (times !== 1) complain(`session ${user} of shard ${other} found ${times} times`);
    const one = fieldsOf(user, other, user);
    if (!directory.findFull(one.bareLow, one.bareHigh, one.fullLow, one.fullHigh)) {
      complain(`session ${user} of shard ${other} not found by its full address`);
    } else if (directory.number !== user || directory.shard !== other) complain('a mixed answer');
  }
}

function step(): void {
  operations++;
  const roll = dice.below(10);
  if (roll < 3) {
    const user = dice.below(USERS);
    const handle = enter(user, nextNumber);
    if (handle >= 0) mine.push({ handle, user, number: nextNumber++ });
  } else if (roll < 6 && mine.length > 0) {
    const at = dice.below(mine.length);
    const [one] = mine.splice(at, 1);
    directory.remove(one!.handle);
  } else if (roll < 7 && mine.length > 0) {
    const one = mine[dice.below(mine.length)]!;
    directory.setPriority(one.handle, one.number % 100);
  } else check(dice.below(USERS));
}

let isOver = false;
port.on('message', (what: string) => {
  if (what === 'go') run();
  else isOver = true;
});

function run(): void {
  for (let i = 0; i < 200; i++) step();
  if (!isOver) {
    setImmediate(run);
    return;
  }
  port.postMessage({ complaints, operations, found, live: mine.length + permanent });
  port.close();
}

for (let user = 0; user < permanent; user++) enter(user, user);
port.postMessage('ready');
