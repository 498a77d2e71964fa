import { CORE } from './migrations/01-core.ts';
import { AUTH_TOKENS } from './migrations/auth-tokens.ts';
import { BLOCKLIST } from './migrations/blocklist.ts';
import { FAST_TOKENS } from './migrations/fast-tokens.ts';
import { LAST } from './migrations/last.ts';
import { PRIVACY_LISTS } from './migrations/privacy-lists.ts';
import { PRIVATE_STORAGE } from './migrations/private-storage.ts';
import { ROSTERS } from './migrations/rosters.ts';
import { VCARD } from './migrations/vcard.ts';

/**
 * The schema, step by step. A step that was released is never changed; the next change is a new one at the end.
 * Times are microseconds since the epoch.
 */
export const MIGRATIONS: readonly string[] = [
  CORE,
  ROSTERS,
  PRIVATE_STORAGE,
  LAST,
  VCARD,
  FAST_TOKENS,
  AUTH_TOKENS,
  PRIVACY_LISTS,
  BLOCKLIST,
];
