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
  if (
    stamp === undefined ||
    !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/.test(stamp)
  ) {
    return undefined;
  }
  const ms = Date.parse(stamp);
  return Number.isNaN(ms) ? undefined : ms * 1000;
}
