import type { Inbox } from './inbox.ts';
import type { Loop } from './loop.ts';
import type { Outbox } from './outbox.ts';

/**
 * Waits until nothing is under way to `thread`: everything sent to it so far was handled there, and what it sent here because of that
 * was handled here. (What it sent elsewhere is visible by then, and comes before whatever is sent after the fence.)
 * Undefined when there is nothing to wait for. A thread that has died has nothing under way.
 */
export function fence(thread: number, outbox: Outbox, inbox: Inbox, loop: Loop): Promise<void> | undefined {
  const lane = outbox.lane(thread);
  if (lane === undefined) return undefined;
  const { producer, accepted } = lane;
  const { merge } = inbox;
  if (lane.written === accepted && producer.isSettled(producer.mark()) && merge.isDrained(thread)) {
    return undefined;
  }
  let mark: number | undefined;
  let answered: number | undefined;
  return loop.whenDone(() => {
    if (outbox.lane(thread) !== lane) return true;
    if (answered === undefined) {
      // Its place in the ring is known once all that was sent before is in there.
      if (mark === undefined && lane.written >= accepted) mark = producer.mark();
      // First asked for, then looked for: the answer is not missed.
      producer.wantRoom();
      if (mark === undefined || !producer.isSettled(mark)) return false;
      answered = merge.writeIndex(thread);
    }
    return answered === undefined || merge.hasReached(thread, answered);
  });
}
