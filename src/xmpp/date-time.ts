/** Dates and times as XEP-0082 writes them. */

/** A moment in UTC, to the second: `2026-07-01T12:00:00Z`. */
export function utcSeconds(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

/** How far the local time is ahead of UTC: `+02:00`. */
export function utcOffset(date: Date): string {
  const minutes = -date.getTimezoneOffset();
  const digits = (value: number): string => String(Math.trunc(value)).padStart(2, '0');
  const ahead = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${digits(ahead / 60)}:${digits(ahead % 60)}`;
}
