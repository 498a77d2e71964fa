import { describe, expect, it } from 'vitest';
import { OutputArena, type Piece } from '../../../src/c2s/output.ts';

const CHUNK_BYTES = 262_144;

function piece(): Piece {
  return { chunk: undefined, start: 0, end: 0, limit: 0, before: undefined };
}

/** Fills what was reserved, as a connection does. */
function write(arena: OutputArena, target: Piece, text: string): void {
  arena.reserve(target, text.length);
  target.end += target.chunk!.latin1Write(text, target.end);
}

function textOf({ before, chunk, start, end }: Piece): string {
  const last = chunk === undefined ? '' : chunk.latin1Slice(start, end);
  return `${(before ?? []).map((b) => b.latin1Slice(0, b.length)).join('')}${last}`;
}

describe('the output arena', () => {
  it('lets the piece that was taken last grow in place', () => {
    const arena = new OutputArena();
    const one = piece();
    for (let i = 0; i < 100; i++) write(arena, one, 'x'.repeat(500));
    expect(one.before).toBeUndefined();
    expect(textOf(one)).toBe('x'.repeat(50_000));
  });

  it('continues a piece elsewhere when another one lies behind it', () => {
    const arena = new OutputArena();
    const one = piece();
    const two = piece();
    write(arena, one, 'a'.repeat(1_000));
    write(arena, two, 'b'.repeat(1_000));
    write(arena, one, 'c'.repeat(1_000));
    expect(one.before).toHaveLength(1);
    expect([textOf(one), textOf(two)]).toEqual(['a'.repeat(1_000) + 'c'.repeat(1_000), 'b'.repeat(1_000)]);
  });

  it('never gives the same bytes to two pieces', () => {
    const arena = new OutputArena();
    const pieces = Array.from({ length: 50 }, piece);
    const expected = pieces.map(() => '');
    for (let round = 0; round < 30; round++) {
      for (const [i, one] of pieces.entries()) {
        const text = `${i}.${round};`.repeat(1 + ((i * round) % 400));
        write(arena, one, text);
        expected[i] += text;
      }
    }
    expect(pieces.map(textOf)).toEqual(expected);
  });

  it('makes room for more than a chunk', () => {
    const arena = new OutputArena();
    const one = piece();
    write(arena, one, 'a');
    write(arena, one, 'x'.repeat(CHUNK_BYTES * 3));
    write(arena, one, 'z');
    expect(textOf(one)).toBe(`a${'x'.repeat(CHUNK_BYTES * 3)}z`);
  });

  it('uses its memory again in the next turn', () => {
    const arena = new OutputArena();
    const one = piece();
    write(arena, one, 'first');
    arena.reset();
    const two = piece();
    write(arena, two, 'other');
    expect(two.chunk).toBe(one.chunk);
    expect(two.start).toBe(0);
  });

  it('but not while a write from it goes on', () => {
    const arena = new OutputArena();
    const one = piece();
    write(arena, one, 'first');
    arena.pin();
    arena.reset();
    const two = piece();
    write(arena, two, 'other');
    expect(two.chunk).not.toBe(one.chunk);
    expect(textOf(one)).toBe('first');
  });

  it('does not keep a chunk that was made for something large', () => {
    const arena = new OutputArena();
    const large = piece();
    write(arena, large, 'x'.repeat(CHUNK_BYTES * 2));
    arena.reset();
    const next = piece();
    write(arena, next, 'x');
    expect(next.chunk!.length).toBe(CHUNK_BYTES);
  });
});
