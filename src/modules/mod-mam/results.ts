import {
  type ArchiveRow,
  Element,
  type Jid,
  microsOfId,
  NS_DELAY,
  NS_FORWARD,
  NS_RSM,
  Stanza,
  StanzaKind,
  stableIdText,
} from '../module.ts';
import { stampOf } from './stamps.ts';

/** What goes back to whoever has asked an archive. */

/** A page as the client gets it. */
export interface Answer {
  readonly rows: readonly ArchiveRow[];
  readonly total: number | undefined;
  readonly offset: number | undefined;
  readonly isComplete: boolean;
}

/** Makes the messages of one answer (XEP-0313 §4.2): all but the archived message is the same for all of them, or short. */
export class ResultWriter {
  readonly #head: string;
  readonly #result: string;

  /** `archive`: whose it is; `to`: who asks; `queryId`: escaped for an attribute. */
  constructor(archive: Jid, to: Jid, ns: string, queryId: string | undefined) {
    this.#head = `<message from='${archive.wire}' to='${to.wire}' id='`;
    const query = queryId === undefined ? '' : ` queryid='${queryId}'`;
    this.#result = `'><result xmlns='${ns}'${query} id='`;
  }

  /** The message that brings `row`, with its addresses. */
  write({ id, sourceJid, packet }: ArchiveRow): Stanza {
    const text = stableIdText(id);
    const stamp = stampOf(microsOfId(id));
    const before = `${this.#head}${text}${this.#result}${text}'><forwarded xmlns='${NS_FORWARD}'><delay xmlns='${NS_DELAY}' from='${sourceJid.wire}' stamp='${stamp}'/>`;
    const original = packet.toBuffer('', '');
    const bytes = Buffer.allocUnsafeSlow(before.length + original.length + AFTER.length);
    bytes.latin1Write(before, 0);
    original.copy(bytes, before.length);
    bytes.latin1Write(AFTER, before.length + original.length);
    return Stanza.ofBytes(StanzaKind.MESSAGE, undefined, bytes, 0, bytes.length).own();
  }
}

const AFTER = '</forwarded></result></message>';

/** The end of an answer (XEP-0313 §4.3, XEP-0059). */
export function finOf(ns: string, { rows, total, offset, isComplete }: Answer): Element {
  const set = Element.of('set', NS_RSM);
  const first = rows[0];
  const last = rows.at(-1);
  if (first !== undefined && last !== undefined) {
    const index = offset === undefined ? undefined : String(offset);
    set.children.push(
      Element.of('first', NS_RSM, { index }, stableIdText(first.id)),
      Element.of('last', NS_RSM, {}, stableIdText(last.id)),
    );
  }
  if (total !== undefined) set.children.push(Element.of('count', NS_RSM, {}, String(total)));
  return Element.of('fin', ns, { complete: isComplete ? 'true' : undefined }, set);
}

/** What an archive begins and ends with (XEP-0313 §5.1): nothing if it is empty. */
export function metadataOf(ns: string, first: ArchiveRow | undefined, last: ArchiveRow | undefined): Element {
  const metadata = Element.of('metadata', ns);
  if (first === undefined || last === undefined) return metadata;
  const end = (name: string, { id }: ArchiveRow): Element =>
    Element.of(name, ns, { id: stableIdText(id), timestamp: stampOf(microsOfId(id)) });
  metadata.children.push(end('start', first), end('end', last));
  return metadata;
}
