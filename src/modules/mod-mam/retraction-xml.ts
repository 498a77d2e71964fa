import { type ArchiveRetraction, Element, NS_CLIENT, type Retraction } from '../module.ts';
import { NS_FASTEN, NS_RETRACT_0, NS_RETRACT_1, NS_RETRACT_STANZA_ID, NS_STANZA_IDS } from './namespaces.ts';

/** What a message takes back (XEP-0424). */
export interface RetractionRequest {
  readonly by: ArchiveRetraction['by'];
  readonly id: string;
  /** The namespace that it is asked in: the tombstone has the same. */
  readonly ns: typeof NS_RETRACT_0 | typeof NS_RETRACT_1;
}

/**
 * The retraction in a message: fastened to an origin id, or in the way of MongooseIM to a stanza id (version 0.3 of XEP-0424); or naming the id itself (since 0.4). Undefined if
 * there is none, or it names nothing.
 */
export function retractionIn(message: Element): RetractionRequest | undefined {
  const fastened = message.child('apply-to', NS_FASTEN);
  if (fastened !== undefined) {
    const id = fastened.attribute('id') ?? '';
    if (id === '') return undefined;
    if (fastened.child('retract', NS_RETRACT_0) !== undefined)
      return { by: 'origin_id', id, ns: NS_RETRACT_0 };
    if (fastened.child('retract', NS_RETRACT_STANZA_ID) !== undefined)
      return { by: 'stanza_id', id, ns: NS_RETRACT_0 };
  }
  const id = message.child('retract', NS_RETRACT_1)?.attribute('id') ?? '';
  return id === '' ? undefined : { by: 'origin_id', id, ns: NS_RETRACT_1 };
}

/**
 * What stands in the archive for a message that was taken back: its attributes, and instead of its content when that was, and by which message (`retractor`: the id of that).
 * `stamp` as XEP-0082 writes it.
 */
export function tombstone(
  original: Element,
  { retractOn, id }: Pick<Retraction, 'retractOn' | 'id'>,
  ns: RetractionRequest['ns'],
  retractor: string | undefined,
  stamp: string,
): Element {
  const retracted =
    ns === NS_RETRACT_1
      ? Element.of('retracted', ns, { stamp, id: retractor ?? '' })
      : Element.of('retracted', ns, { stamp }, nameOf(retractOn, id));
  return new Element('message', NS_CLIENT, original.attributes, [retracted]);
}

function nameOf(retractOn: Retraction['retractOn'], id: string): Element {
  return Element.of(retractOn === 'origin_id' ? 'origin-id' : 'stanza-id', NS_STANZA_IDS, { id });
}
