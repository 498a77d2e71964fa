import { type MarkerCode, NS_CHAT_MARKERS, NS_CLIENT, type Stanza } from '../module.ts';

/** Markers by name (XEP-0333 §4), and by the letter that they are kept as. */
const CODES = { received: 'R', displayed: 'D', acknowledged: 'A' } as const;
const NAMES = ['received', 'displayed', 'acknowledged'] as const;

/** What a marker says: a message and all before it were received, displayed, acknowledged. */
export interface Marker {
  readonly code: MarkerCode;
  /** The message. */
  readonly id: string;
}

/** Longest id, and thread, that are kept, in UTF-16 units. */
const TEXT_LENGTH_MAX = 1_024;

/** The markers in a message, each kind once; empty for most, which are not looked into. */
export function markersOf(stanza: Stanza): readonly Marker[] {
  if (stanza.type === 'error' || stanza.isPlain || !NAMES.some((name) => stanza.mayContain(name))) return [];
  const markers: Marker[] = [];
  for (const { name, ns, attributes } of stanza.element.elements()) {
    if (ns !== NS_CHAT_MARKERS || !isMarker(name)) continue;
    const id = attributes.get('id') ?? '';
    if (id === '' || id.length > TEXT_LENGTH_MAX || markers.some(({ code }) => code === CODES[name]))
      continue;
    markers.push({ code: CODES[name], id });
  }
  return markers;
}

/** The thread of a message; empty for the main one. Undefined if it is too long to be kept. */
export function threadOf(stanza: Stanza): string | undefined {
  const thread = stanza.element.childText('thread', NS_CLIENT) ?? '';
  return thread.length > TEXT_LENGTH_MAX ? undefined : thread;
}

/** The name of a kind of markers. */
export function markerName(code: MarkerCode): string {
  return NAMES.find((name) => CODES[name] === code)!;
}

function isMarker(name: string): name is keyof typeof CODES {
  return (NAMES as readonly string[]).includes(name);
}
