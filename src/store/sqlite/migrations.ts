import { CORE } from './migrations/01-core.ts';
import { ROSTERS } from './migrations/02-rosters.ts';
import { PRIVATE_STORAGE } from './migrations/03-private-storage.ts';
import { LAST } from './migrations/04-last.ts';
import { VCARD } from './migrations/05-vcard.ts';
import { FAST_TOKENS } from './migrations/06-fast-tokens.ts';
import { AUTH_TOKENS } from './migrations/07-auth-tokens.ts';
import { PRIVACY_LISTS } from './migrations/08-privacy-lists.ts';
import { BLOCKLIST } from './migrations/09-blocklist.ts';
import { WRITE_BATCHES } from './migrations/10-write-batches.ts';
import { ARCHIVE } from './migrations/11-archive.ts';
import { INBOX } from './migrations/12-inbox.ts';
import { SMART_MARKERS } from './migrations/13-smart-markers.ts';
import { PUSH } from './migrations/14-push.ts';
import { IMPORTED_MESSAGES } from './migrations/15-imported-messages.ts';
import { NO_INBOX_WRITERS } from './migrations/16-no-inbox-writers.ts';
import { ARCHIVE_LAYOUT } from './migrations/17-archive-layout.ts';
import { ARCHIVE_NAMES } from './migrations/18-archive-names.ts';
import { INBOX_READ_UNTIL } from './migrations/19-inbox-read-until.ts';

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
  WRITE_BATCHES,
  ARCHIVE,
  INBOX,
  SMART_MARKERS,
  PUSH,
  IMPORTED_MESSAGES,
  NO_INBOX_WRITERS,
  ARCHIVE_LAYOUT,
  ARCHIVE_NAMES,
  INBOX_READ_UNTIL,
];
