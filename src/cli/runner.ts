import type { Io } from './io.ts';
import type { Target } from './target.ts';

/** What a verb needs to run: who is meant, where to write. Its action returns the exit status; nothing is 0. */
export interface Runner {
  run(action: (target: Target, io: Io) => Promise<number | undefined>): Promise<void>;
}
