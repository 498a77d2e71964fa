import type { Element } from '../xml/element.ts';
import type { C2s } from './c2s.ts';

/** An element of the stream itself (`http://etherx.jabber.org/streams`), in any state. */
export function streamElement(c2s: C2s, element: Element): void {
  switch (element.name) {
    case 'error':
      // RFC 6120 §4.9.1.1: whoever sends one has ended the stream.
      c2s.end('stream_error');
      break;
    case 'stream':
      c2s.streamOpenedAgain();
      break;
    default:
      c2s.fail('unsupported-stanza-type');
  }
}
