import { AdminError } from '../admin/errors.ts';
import type { Ask } from './server-access.ts';

/** What an operator says who has things deleted that are old, or everywhere. */

/** `--days`. */
export function daysOf(text: string): number {
  if (!/^[0-9]{1,5}$/.test(text)) throw new AdminError('usage', `not a number of days: ${text}`);
  return Number(text);
}

/** Asks a command, which answers `{removed}`, for a place or for each domain (`place` left out). Returns the sum. */
export async function removeIn(
  ask: Ask,
  command: string,
  place: object | undefined,
  input: object,
): Promise<number> {
  const places =
    place === undefined ? ((await ask('domains')) as string[]).map((domain) => ({ domain })) : [place];
  let sum = 0;
  for (const one of places) {
    sum += ((await ask(command, { ...one, ...input })) as { removed: number }).removed;
  }
  return sum;
}
