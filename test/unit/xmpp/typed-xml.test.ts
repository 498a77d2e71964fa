import { describe, expect, it } from 'vitest';
import { serialize } from '../../../src/xml/writer.ts';
import { parseTyped } from '../../../src/xmpp/typed-xml.ts';

describe('XML that an operator typed', () => {
  it.each([
    ['', []],
    [' \n', []],
    ['<a/>', ['<a/>']],
    [' <a xmlns="u"/>\n<b xmlns="v">x<c/></b>\n', ["<a xmlns='u'/>", "<b xmlns='v'>x<c/></b>"]],
    ['<p:a xmlns:p="u" p:b="&lt;"/>', ["<a xmlns='u' xmlns:ns0='u' ns0:b='&lt;'/>"]],
  ])('%j is %j', (xml, elements) => {
    expect(parseTyped(xml).map((element) => serialize(element))).toEqual(elements);
  });

  it('has the namespace that is given where it names none', () => {
    const [a, b] = parseTyped('<a><b xmlns=""/></a><b/>', 'u');
    expect([a!.ns, a!.elements()[0]!.ns, b!.ns]).toEqual(['u', '', 'u']);
  });

  it.each([
    ['text', 'x', /text/],
    ['text behind an element', '<a/>x', /text/],
    ['half an element', '<a><b/>', /ends in the middle/],
    ['half a tag', '<a b="', /ends in the middle/],
    ['a closing tag alone', '</a>', /closing tag/],
    ['the closing tag of a stream', '<a/></stream:stream>', /closing tag/],
    ['an opening tag of a stream', '<stream:stream>', /prefix/],
    ['a comment', '<!-- x --><a/>', /comment/],
    ['a document type', '<!DOCTYPE a [<!ENTITY b "c">]><a/>', /document type/],
    ['an XML declaration', '<?xml version="1.0"?><a/>', /processing instruction/],
    ['another entity', '<a>&b;</a>', /entity/],
    ['too many levels', '<a>'.repeat(100), /deep/],
    ['too many elements', `<a>${'<b/>'.repeat(20_000)}</a>`, /elements/],
    ['a wrong character', '<a>\u0001</a>', /character/],
  ])('is refused: %s', (_what, xml, words) => {
    expect(() => parseTyped(xml)).toThrow(words);
  });
});
