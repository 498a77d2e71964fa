import { setImmediate as turnOver } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { FRAMES_PER_TURN_MAX } from '../../../src/limits.ts';
import { createDoorbells, Doorbell } from '../../../src/memory/doorbell.ts';
import { Loop } from '../../../src/memory/loop.ts';
import { connectThreads, type FakeThread } from './fakes.ts';

interface Turns {
  readonly thread: FakeThread;
  readonly loop: Loop;
  readonly events: string[];
  hasYielded: boolean;
}

function start(thread: FakeThread): Turns {
  const events: string[] = [];
  const turns: Turns = {
    thread,
    events,
    hasYielded: false,
    loop: new Loop(thread.id, thread.bell, thread.inbox, thread.outbox, {
      resumeYielded: () => {
        if (turns.hasYielded) events.push('resume');
        return turns.hasYielded;
      },
      flush: () => {
        events.push('flush');
      },
      congestionEnded: () => {
        events.push('congestion ended');
      },
    }),
  };
  return turns;
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await turnOver();
}

function pair(capacity = 256): { a: Turns; b: Turns } {
  const { threads } = connectThreads(2, capacity);
  return { a: start(threads[0]!), b: start(threads[1]!) };
}

describe('a loop', () => {
  it('completes a turn that was touched once, however often that was', async () => {
    const { a } = pair();
    a.loop.touch();
    a.loop.touch();
    expect(a.events).toEqual([]);
    await turns(5);
    expect(a.events).toEqual(['flush', 'congestion ended']);
  });

  it('says that it sleeps, and that it is awake when it is touched', async () => {
    const { a, b } = pair();
    a.loop.touch();
    await turns(2);
    // The bell takes the mark away: whoever rings wakes.
    expect(b.thread.bell.ring(0)).toBe(true);
    expect(b.thread.bell.ring(0)).toBe(false);
    a.loop.touch();
    expect(b.thread.bell.ring(0)).toBe(false);
    await turns(2);
    expect(b.thread.bell.ring(0)).toBe(true);
  });

  it('handles frames, writes, publishes, and only then gives their space back', async () => {
    const { a, b } = pair();
    const { thread } = b;
    const stages: unknown[] = [];
    thread.onFrame = () => {
      thread.outbox.send(0, Buffer.from('answer'));
      stages.push(['handled', a.thread.outbox.inFlightBytes(1) > 0]);
    };
    a.thread.outbox.send(1, Buffer.from('question'));
    a.thread.outbox.publish();
    b.loop.touch();
    await turns(4);
    expect(stages).toEqual([['handled', true]]);
    expect(a.thread.outbox.inFlightBytes(1)).toBe(0);
    expect(a.thread.inbox.merge.hasWork()).toBe(true);
    expect(b.events[0]).toBe('flush');
  });

  it('takes another turn when there may be more frames than one turn handles', async () => {
    const { a, b } = pair(65_536);
    for (let i = 0; i <= FRAMES_PER_TURN_MAX; i++) a.thread.outbox.send(1, Buffer.from(`${i}`));
    a.thread.outbox.publish();
    b.loop.touch();
    await turnOver();
    expect(b.thread.got).toHaveLength(FRAMES_PER_TURN_MAX);
    await turnOver();
    expect(b.thread.got).toHaveLength(FRAMES_PER_TURN_MAX + 1);
  });

  it('does not sleep while connections have given way', async () => {
    const { a, b } = pair();
    a.hasYielded = true;
    a.loop.touch();
    await turns(5);
    expect(a.events.filter((event) => event === 'resume').length).toBeGreaterThan(3);
    expect(b.thread.bell.ring(0)).toBe(false);
    a.hasYielded = false;
    await turns(3);
    expect(b.thread.bell.ring(0)).toBe(true);
  });

  it('lets input go on in turns after which no frame waits, and in no others', async () => {
    const { a, b } = pair(64);
    const send = (count: number): void => {
      for (let i = 0; i < count; i++) a.thread.outbox.send(1, Buffer.from('x'.repeat(20)));
    };
    send(10);
    a.loop.touch();
    await turns(3);
    expect(a.events).not.toContain('congestion ended');
    for (let i = 0; i < 10; i++) {
      b.thread.turn();
      a.loop.touch();
      await turnOver();
    }
    expect(a.events).toContain('congestion ended');
    a.events.length = 0;
    // Congested only within the turn: there is room again when it ends.
    send(2);
    a.thread.outbox.publish();
    send(1);
    expect(a.thread.outbox.isCongested).toBe(true);
    b.thread.turn();
    a.loop.touch();
    await turnOver();
    expect(a.events).toContain('congestion ended');
  });

  it('resolves what waits for it in the order it was asked for', async () => {
    const { a } = pair();
    const order: number[] = [];
    let isDone = false;
    const all = [1, 2, 3].map((n) => a.loop.whenDone(() => isDone).then(() => order.push(n)));
    await turns(2);
    expect(order).toEqual([]);
    isDone = true;
    a.loop.touch();
    await Promise.all(all);
    expect(order).toEqual([1, 2, 3]);
  });
});

describe('a doorbell', () => {
  it('wakes a thread that sleeps, once', () => {
    const memory = createDoorbells(3);
    const woken: number[] = [];
    const bell = new Doorbell(memory, (thread) => woken.push(thread));
    const other = new Doorbell(memory, (thread) => woken.push(thread + 100));
    expect(bell.ring(2)).toBe(false);
    bell.sleep(2);
    expect(other.ring(1)).toBe(false);
    expect(other.ring(2)).toBe(true);
    expect(bell.ring(2)).toBe(false);
    bell.sleep(2);
    bell.awake(2);
    expect(other.ring(2)).toBe(false);
    expect(woken).toEqual([102]);
  });
});
