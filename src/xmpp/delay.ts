import { escapeText, escapeValue } from '../xml/writer.ts';
import type { Jid } from './jid.ts';
import { NS_DELAY } from './namespaces.ts';

/** A `<delay/>` (XEP-0203) as XML. `timestamp` is in microseconds since the epoch. */
export function delayXml(from: Jid, timestamp: number, text: string): string {
  const stamp = new Date(timestamp / 1000).toISOString();
  return `<delay xmlns='${NS_DELAY}' from='${escapeValue(from.full)}' stamp='${stamp}'>${escapeText(text)}</delay>`;
}

/** The time of a `stamp` attribute in microseconds since the epoch (XEP-0082 DateTime); undefined when it is none. */
export function parseStamp(stamp: string | undefined): number | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(stamp ?? '');
  if (match === null) return undefined;
  const [, seconds = '', fraction = '', zone = ''] = match;
  const ms = Date.parse(seconds + zone);
  return Number.isNaN(ms) ? undefined : ms * 1000 + Number(fraction.padEnd(6, '0').slice(0, 6));
}
