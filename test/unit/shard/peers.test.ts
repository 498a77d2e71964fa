import { beforeEach, describe, expect, it } from 'vitest';
import type { Peer } from '../../../src/shard/boot.ts';
import { Peers, type PeersSurroundings } from '../../../src/shard/peers.ts';

/** Threat T58: threads die and come in any order, also while others are being started. */

describe('the other threads', () => {
  let steps: string[];
  let known: Map<number, number>;
  let peers: Peers;

  beforeEach(() => {
    steps = [];
    known = new Map();
    const step =
      (name: string) =>
      (thread: number): void =>
        void steps.push(`${name} ${thread}`);
    const threads = {
      isStore: (thread: number) => thread >= 2,
      partitionOf: (thread: number) => thread - 2,
      generation: (thread: number) => known.get(thread),
      connect: ({ thread, generation }: Peer) => {
        steps.push(`connect ${thread}`);
        known.set(thread, generation);
      },
      disconnect: (thread: number) => {
        steps.push(`disconnect ${thread}`);
        known.delete(thread);
        return [Buffer.from('unread')];
      },
    };
    peers = new Peers({
      threads,
      stores: { up: step('store up'), down: step('store down') },
      components: { shardUp: step('up'), shardLost: step('components') },
      fences: { lost: step('fences') },
      frames: { returned: (bytes: Buffer) => void steps.push(bytes.toString()) },
      takeOvers: { shardLost: step('take-overs') },
      log: { error: () => {} },
    } as unknown as PeersSurroundings);
  });

  function peer(thread: number, generation: number): Peer {
    return { thread, generation, out: new SharedArrayBuffer(4), in: new SharedArrayBuffer(4) };
  }

  it('are connected once, however often it is said that they are there', () => {
    peers.connect(peer(1, 0));
    peers.connect(peer(1, 0));
    expect(steps).toEqual(['connect 1', 'up 1', 'up 1']);
  });

  it('leave what they had not read to those who sent it, and nobody waits for their answers', () => {
    peers.connect(peer(1, 0));
    peers.disconnect(1);
    expect(steps.slice(2)).toEqual(['disconnect 1', 'take-overs 1', 'components 1', 'unread', 'fences 1']);
  });

  it('have died when they have other rings, whether that was said or not', () => {
    peers.connect(peer(1, 0));
    peers.connect(peer(1, 1));
    const died = ['disconnect 1', 'take-overs 1', 'components 1', 'unread', 'fences 1'];
    expect(steps.slice(2)).toEqual([...died, 'connect 1', 'up 1']);
  });

  it('that are stores come and go', () => {
    peers.connect(peer(3, 0));
    peers.disconnect(3);
    expect(steps).toEqual(['connect 3', 'store up 1', 'disconnect 3', 'store down 1']);
  });
});
