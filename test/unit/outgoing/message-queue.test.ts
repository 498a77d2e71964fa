import { describe, expect, it } from 'vitest';
import { MessageQueue, type RabbitMessage } from '../../../src/outgoing/message-queue.ts';

function message(routingKey: string, bytes = 0): RabbitMessage {
  return { exchange: 'x', routingKey, content: Buffer.alloc(bytes) };
}

function keys(queue: MessageQueue): string[] {
  const found: string[] = [];
  for (let one = queue.shift(); one !== undefined; one = queue.shift()) found.push(one.routingKey);
  return found;
}

describe('messages that wait', () => {
  it('come out in order, through thousands', () => {
    const queue = new MessageQueue(10_000, 1e9);
    const names = Array.from({ length: 3_000 }, (_, i) => String(i));
    for (const name of names) expect(queue.push(message(name))).toBe(0);
    expect(queue.length).toBe(3_000);
    expect(keys(queue)).toEqual(names);
    expect([queue.length, queue.shift()]).toEqual([0, undefined]);
  });

  it('are no more than so many, those under way included: the oldest goes', () => {
    const queue = new MessageQueue(3, 1e9);
    for (const name of ['a', 'b', 'c']) queue.push(message(name));
    expect(queue.push(message('d'))).toBe(1);
    expect(queue.push(message('e'), 2)).toBe(3);
    expect(keys(queue)).toEqual(['e']);
    expect(queue.push(message('f'), 3)).toBe(1);
    expect(queue.length).toBe(0);
  });

  it('have no more than so many bytes, what they take themselves included', () => {
    const queue = new MessageQueue(100, 1_000);
    queue.push(message('a', 200));
    queue.push(message('b', 200));
    expect(queue.push(message('c', 200))).toBe(1);
    expect(queue.push(message('huge', 2_000))).toBe(3);
    expect(queue.length).toBe(0);
    expect(queue.push(message('d', 200))).toBe(0);
  });

  it('are joined by older ones, which stand before them; of too many the oldest go', () => {
    const queue = new MessageQueue(4, 1e9);
    for (const name of ['x', 'c', 'd']) queue.push(message(name));
    queue.shift();
    expect(queue.putBack([message('a'), message('b')])).toBe(0);
    expect(queue.putBack([message('y'), message('z')])).toBe(2);
    expect(keys(queue)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('are forgotten', () => {
    const queue = new MessageQueue(2, 1e9);
    queue.push(message('a'));
    queue.clear();
    expect([queue.length, queue.push(message('b')), queue.push(message('c'))]).toEqual([0, 0, 0]);
  });
});
