/** Times as XEP-0082 writes them, to the microsecond: so that what was written here comes back as it was. */

const DATE_TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?$/;
/** As XEP-0091 wrote it, in UTC. */
const LEGACY = /^(\d{4})(\d\d)(\d\d)T(\d\d:\d\d:\d\d)$/;

/** Beyond it microseconds are no whole numbers any more. */
const MS_MAX = Number.MAX_SAFE_INTEGER / 1_000 - 1_000;

/** Microseconds since the epoch of a `stamp`, also of the form of XEP-0091. Undefined when it is none, or lies outside of the years 1970 to 2255. */
export function parseMicros(stamp: string | undefined): number | undefined {
  const text = stamp?.replace(LEGACY, '$1-$2-$3T$4Z');
  const [, seconds, fraction = '', zone] = DATE_TIME.exec(text ?? '') ?? [];
  if (seconds === undefined) return undefined;
  const ms = Date.parse(`${seconds}${zone ?? 'Z'}`);
  if (Number.isNaN(ms) || ms < 0 || ms > MS_MAX) return undefined;
  return ms * 1_000 + Number(fraction.slice(0, 6).padEnd(6, '0'));
}

/** A time in microseconds since the epoch, in UTC: `2026-05-01T12:00:00.000001Z`. */
export function stampOfMicros(micros: number): string {
  const seconds = Math.floor(micros / 1_000_000);
  const fraction = String(micros - seconds * 1_000_000).padStart(6, '0');
  return `${new Date(seconds * 1_000).toISOString().slice(0, 19)}.${fraction}Z`;
}
