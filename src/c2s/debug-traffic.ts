import type { Accumulator } from '../hooks/accumulator.ts';
import type { Chain } from '../hooks/chain.ts';
import { HOOK_INDEX, type HookParams } from '../hooks/points.ts';
import { SCAN_LIMITS } from '../limits.ts';
import { buildElement } from '../xml/element.ts';
import { Scan, Scanner } from '../xml/scanner.ts';
import { StreamContext } from '../xml/stream-context.ts';
import { NS_CLIENT, NS_STREAM } from '../xmpp/namespaces.ts';
import { Stanza } from '../xmpp/stanza.ts';
import type { C2s } from './c2s.ts';

/**
 * The global hook `c2s_debug_traffic`: every element of every client, in both directions. Whoever reads or writes one looks for a chain
 * first ({@link debugChain}) and comes here only if there is any: without a handler an element pays one comparison.
 */

const C2S_DEBUG_TRAFFIC = HOOK_INDEX.c2s_debug_traffic;

/** The handlers of the hook; null if there are none. */
export function debugChain(c2s: C2s): Chain | null {
  return c2s.host.globals.chains[C2S_DEBUG_TRAFFIC]!;
}

/** Shows an element that was just read. Called before anything is done with it. */
export function showRead(chain: Chain, c2s: C2s, element: Stanza): void {
  show(chain, c2s, undefined, 'client_to_server', element);
}

/** Shows a stanza that was just written. */
export function showWritten(chain: Chain, c2s: C2s, acc: Accumulator): void {
  show(chain, c2s, acc, 'server_to_client', acc.stanza!);
}

/** Shows what was just written as text. The tags of the stream itself are no elements, and left out. */
export function showWrittenText(chain: Chain, c2s: C2s, xml: string): void {
  for (const element of elementsOf(xml)) show(chain, c2s, undefined, 'server_to_client', element);
}

function show(
  chain: Chain,
  c2s: C2s,
  acc: Accumulator | undefined,
  direction: HookParams<'c2s_debug_traffic'>['direction'],
  element: Stanza,
): void {
  // A handler may look at it later than now.
  element.retain();
  const jid = c2s.isEstablished ? c2s.jid : undefined;
  const params: HookParams<'c2s_debug_traffic'> = { direction, jid, element };
  void chain.fold(acc, params);
}

const CONTEXT = new StreamContext(
  'stream:stream',
  [
    { prefix: '', uri: NS_CLIENT },
    { prefix: 'stream', uri: NS_STREAM },
  ],
  { ...SCAN_LIMITS, stanzaBytesMax: 1 << 30 },
);

/** The elements in text that is written inside of a stream, up to the first thing that is none. */
function elementsOf(xml: string): Stanza[] {
  const bytes = Buffer.from(xml);
  const scanner = new Scanner();
  const found: Stanza[] = [];
  for (let pos = 0; pos < bytes.length; pos = scanner.pos) {
    scanner.enter(CONTEXT);
    if (scanner.scan(bytes, pos, bytes.length) !== Scan.ELEMENT) break;
    found.push(Stanza.of(buildElement(scanner, bytes)));
  }
  return found;
}
