import { describe, expect, it } from 'vitest';
import { decodeFrame } from '../../../src/frame/codec.ts';
import { FrameKind, type StoreRequestFrame } from '../../../src/frame/kinds.ts';
import { STORE_PENDING_BUSY, STORE_PENDING_MAX, STORE_TIMEOUT_MS } from '../../../src/limits.ts';
import { StoreUnavailableError } from '../../../src/store/operations.ts';
import { RemoteStore } from '../../../src/store/remote.ts';

function make() {
  const sent: StoreRequestFrame[] = [];
  const state = { nowMs: 0, hasRoom: true };
  const store = new RemoteStore(
    (bytes) => {
      if (state.hasRoom) sent.push(decodeFrame(bytes, 0, bytes.length) as StoreRequestFrame);
      return state.hasRoom;
    },
    () => state.nowMs,
  );
  const answer = (index: number, value: unknown, error?: string): void =>
    store.answered({ kind: FrameKind.STORE_REPLY, id: sent[index]!.id, error, value });
  return { store, sent, state, answer };
}

async function outcome(request: Promise<unknown>): Promise<unknown> {
  return await request.catch((cause: unknown) => {
    if (!(cause instanceof StoreUnavailableError)) throw cause;
    return cause.message;
  });
}

describe('a request to the store', () => {
  it('is answered with what the store says, in whatever order', async () => {
    const { store, answer } = make();
    const one = store.request('offline_count', 'localhost', 'romeo');
    const two = outcome(store.request('offline_count', 'localhost', 'juliet'));
    answer(1, null, 'disk full');
    answer(0, 7);
    expect(await one).toBe(7);
    expect(await two).toBe('disk full');
    expect(store.pendingCount).toBe(0);
  });

  it('fails when its time is over; an answer that comes then changes nothing', async () => {
    const { store, state, answer } = make();
    const request = outcome(store.request('ping'));
    state.nowMs = STORE_TIMEOUT_MS - 1;
    store.expire();
    expect(store.pendingCount).toBe(1);
    state.nowMs = STORE_TIMEOUT_MS;
    store.expire();
    answer(0, null);
    expect(await request).toBe(`no answer within ${STORE_TIMEOUT_MS} ms`);
  });

  it('fails at once while the store is down, as do those it had not answered', async () => {
    const { store } = make();
    const before = outcome(store.request('ping'));
    store.down();
    expect(await before).toBe('the store thread died');
    expect(await outcome(store.request('ping'))).toBe('the store is being restarted');
    store.up();
    void store.request('ping');
    expect(store.pendingCount).toBe(1);
  });

  it('fails when there is no room on the way', async () => {
    const { store, state } = make();
    state.hasRoom = false;
    expect(await outcome(store.request('ping'))).toBe('the way to the store is full');
    expect(store.pendingCount).toBe(0);
  });

  it('makes the store busy with many others, and is refused with too many', async () => {
    const { store, answer } = make();
    const requests: Promise<unknown>[] = [];
    while (store.pendingCount < STORE_PENDING_BUSY - 1) requests.push(store.request('ping'));
    expect(store.isBusy).toBe(false);
    requests.push(store.request('ping'));
    expect(store.isBusy).toBe(true);
    answer(0, null);
    expect(store.isBusy).toBe(false);
    while (store.pendingCount < STORE_PENDING_MAX) requests.push(store.request('ping'));
    expect(await outcome(store.request('ping'))).toBe('too many requests wait for the store');
    for (let i = 1; i < requests.length; i++) answer(i, null);
    await Promise.all(requests);
    expect(store.isBusy).toBe(false);
  });
});
