import { describe, expect, it } from 'vitest';
import { isStored, parseElementText } from '../../../src/xmpp/trusted-xml.ts';

/** What is seen of bytes that were on a disk before they go out again. */

const check = (text: string | number[]): boolean =>
  isStored(typeof text === 'string' ? Buffer.from(text) : Buffer.from(text), 'message');

describe('stored bytes', () => {
  it.each([
    '<message/>',
    "<message type='chat' id='1'><body>ü &lt; &#x1F600;</body></message>",
    "<message xmlns='jabber:client'><x xmlns='urn:x'><y:z xmlns:y='urn:y'/></x></message>",
  ])('are sound: %s', (text) => {
    expect(check(text)).toBe(true);
  });

  it.each([
    [''],
    ['<'],
    ['<message'],
    ['<message>'],
    ['<message><body></message>'],
    ['<message/><message/>'],
    ['<message/>x'],
    [' <message/>'],
    ['<iq/>'],
    ['<messages/>'],
    ["<p:message xmlns:p='jabber:client'/>"],
    ['<message><p:x/></message>'],
    ['<message><stream:x/></message>'],
    ["<message from='romeo@example.net'/>"],
    ["<message to='romeo@example.net'/>"],
    ['</stream:stream>'],
    ['<!-- --><message/>'],
    ['<message>&nbsp;</message>'],
    ['<message>\u0000</message>'],
    [[0x3c, 0x6d, 0xff]],
  ])('are damaged: %j', (text) => {
    expect(check(text)).toBe(false);
    // What comes next is not read on from there.
    expect(check('<message/>')).toBe(true);
    expect(parseElementText('<x/>').name).toBe('x');
  });
});
