import type { Accumulator, PushEventAcc, PushedEvent } from '../module.ts';

/** Kinds of events: messages that are sent and delivered, who comes and goes, what was not acknowledged. */
export type Interest = 'sent' | 'delivered' | 'status' | 'unacknowledged';

/** Where events go. A backend returns at once, whatever happens to the one it tells. */
export interface Backend {
  /** Events of other kinds need not be made for it; it may get them all the same. */
  readonly interests: readonly Interest[];
  event(event: PushedEvent, around: PushEventAcc): undefined;
}

/** Whether handlers of `push_event` left a message that is being delivered to the notifications: true or false; undefined when they were not asked. */
export const WANTED = ['mod_event_pusher', 'push'] as const;

/** A message that is asked about a second time, because the one who was to get it is not there after all. Only notifications are made then. */
const AGAIN = ['mod_event_pusher', 'again'] as const;

export function markAgain(acc: Accumulator): void {
  acc.set(...AGAIN, true);
}

export function isAgain(acc: Accumulator): boolean {
  return acc.get(...AGAIN) === true;
}

/** The text of a message; undefined when it has none, or an empty one. A tree is built only if there is something that looks like one. */
export function bodyOf(stanza: Accumulator['stanza']): string | undefined {
  if (!stanza!.mayContain('body')) return undefined;
  const body = stanza!.element.childText('body');
  return body === '' ? undefined : body;
}
