import { describe, expect, it } from 'vitest';
import { editDistance, nearest } from '../../../src/config/nearest.ts';

describe('editDistance', () => {
  it.each([
    ['', '', 0],
    ['port', 'port', 0],
    ['prot', 'port', 1],
    ['por', 'port', 1],
    ['sport', 'port', 1],
    ['part', 'port', 1],
    ['', 'abc', 3],
    ['kitten', 'sitting', 3],
  ])('of %j and %j is %i', (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
    expect(editDistance(b, a)).toBe(distance);
  });
});

describe('nearest', () => {
  const keys = ['port', 'ip_address', 'max_connections', 'max_stanza_size', 'shaper', 'tls', 'warning'];

  it.each([
    ['prot', 'port'],
    ['ip_adress', 'ip_address'],
    ['max_conections', 'max_connections'],
    ['tsl', 'tls'],
    ['warn', 'warning'],
  ])('takes %j for %j', (word, expected) => {
    expect(nearest(word, keys)).toBe(expected);
  });

  it.each(['xyz', 'hosts', '', 'x', 'maximum_of_all'])('finds nothing close to %j', (word) => {
    expect(nearest(word, keys)).toBeUndefined();
  });

  it('completes a beginning only where there is one way', () => {
    expect(nearest('max', keys)).toBeUndefined();
  });
});
