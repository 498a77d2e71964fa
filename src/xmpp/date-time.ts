/** Dates and times as XEP-0082 writes them. */

/** A moment in UTC, to the second: `2026-07-01T12:00:00Z`. */
export function utcSeconds(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

/** A moment in UTC, given in microseconds since the epoch, with all of them: `2026-07-01T12:00:00.123456Z`. */
export function utcMicros(timestamp: number): string {
  const micros = String(timestamp % 1_000_000).padStart(6, '0');
  return `${new Date(Math.floor(timestamp / 1000)).toISOString().slice(0, 19)}.${micros}Z`;
}

/** How far the local time is ahead of UTC: `+02:00`. */
export function utcOffset(date: Date): string {
  const minutes = -date.getTimezoneOffset();
  const digits = (value: number): string => String(Math.trunc(value)).padStart(2, '0');
  const ahead = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${digits(ahead / 60)}:${digits(ahead % 60)}`;
}
