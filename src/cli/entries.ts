import type { ThreadEntries } from '../supervisor/server.ts';

/** The source as it is, or compiled. */
const EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

/** The files that threads start from. */
export const ENTRIES: ThreadEntries = {
  shard: new URL(`../../workers/shard.${EXTENSION}`, import.meta.url),
  store: new URL(`../../workers/store.${EXTENSION}`, import.meta.url),
  task: new URL(`../../workers/task.${EXTENSION}`, import.meta.url),
};
