import { CORE } from './migrations/01-core.ts';
import { AUTH_TOKENS } from './migrations/auth-tokens.ts';
import { FAST_TOKENS } from './migrations/fast-tokens.ts';

/**
 * The schema, step by step. A step that was released is never changed; the next change is a new one at the end.
 * Times are microseconds since the epoch.
 */
export const MIGRATIONS: readonly string[] = [CORE, FAST_TOKENS, AUTH_TOKENS];
