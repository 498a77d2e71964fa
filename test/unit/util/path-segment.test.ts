import { describe, expect, it } from 'vitest';
import { pathSegment } from '../../../src/util/path-segment.ts';

describe('a text as a segment of a path (threat T63)', () => {
  it.each(['', '.', '..', 'a\ud800b'])('cannot be %j', (text) => {
    expect(pathSegment(text)).toBeUndefined();
  });

  it.each([
    '../../admin',
    '...',
    '%2e%2e',
    'a/b\\c',
    'a?b=c#d',
    'user@host:80',
    'a\r\nHost: x',
    'a;b=c',
    'ü💘',
    ' ',
  ])('%j stays one, and stays what it is', (text) => {
    const segment = pathSegment(text)!;
    const { pathname, search, hash, host } = new URL(`http://gateway.test/v3/${segment}/end`);
    const [, first, own, last, ...more] = pathname.split('/');
    expect([first, last, more, search, hash, host]).toEqual(['v3', 'end', [], '', '', 'gateway.test']);
    expect(decodeURIComponent(own!)).toBe(text);
  });
});
