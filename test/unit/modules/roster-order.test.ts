import { describe, expect, it } from 'vitest';
import { type RosterEvent, SessionRoster } from '../../../src/modules/mod-roster/session-roster.ts';

/** What one session does with changes that come out of order. */

function event(version: number, previous = version - 1): RosterEvent {
  return {
    jid: 'juliet@localhost',
    subscription: 'none',
    version,
    previous,
    at: 0,
    ver: String(version),
    contact: null,
  };
}

function all(view: SessionRoster): number[] {
  const versions: number[] = [];
  for (let next = view.next(); next !== undefined; next = view.next()) {
    view.version = next.version;
    versions.push(next.version);
  }
  return versions;
}

describe('the roster of a session', () => {
  it('takes changes in the order of their versions, however they come', () => {
    const view = new SessionRoster();
    view.version = 4;
    view.hold(event(7));
    expect(all(view)).toEqual([]);
    view.hold(event(6));
    view.hold(event(5));
    expect(all(view)).toEqual([5, 6, 7]);
    expect(view.held).toBeUndefined();
  });

  it('forgets changes that the client’s roster contains', () => {
    const view = new SessionRoster();
    view.version = 6;
    for (const version of [5, 6, 7]) view.hold(event(version));
    expect(all(view)).toEqual([7]);
    expect(view.held).toBeUndefined();
  });

  it('keeps changes back while a roster is on its way to the client', () => {
    const view = new SessionRoster();
    view.gets = 1;
    view.hold(event(9));
    expect(view.next()).toBeUndefined();
    view.gets = 0;
    view.version = 8;
    expect(all(view)).toEqual([9]);
  });

  it('follows a first version, which is no small number', () => {
    const view = new SessionRoster();
    view.version = 0;
    view.hold(event(1_800_000_000_000, 0));
    expect(all(view)).toEqual([1_800_000_000_000]);
  });

  it('gives up on what is missing, the oldest first', () => {
    const view = new SessionRoster();
    view.version = 1;
    for (const version of [9, 8, 4]) view.hold(event(version));
    expect(view.next()).toBeUndefined();
    expect(view.oldest()?.version).toBe(4);
    view.version = 4;
    expect(view.next()).toBeUndefined();
    expect(view.oldest()?.version).toBe(8);
    view.version = 8;
    expect(all(view)).toEqual([9]);
  });

  it('holds so many, then knows that it has lost some', () => {
    const view = new SessionRoster();
    view.version = 1;
    for (let version = 3; version < 1_003; version++) view.hold(event(version));
    expect(view.isBroken).toBe(false);
    view.hold(event(1_003));
    expect(view.isBroken).toBe(true);
    expect(view.held).toHaveLength(1_000);
  });
});
