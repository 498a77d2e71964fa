import fc from 'fast-check';
import { parse, stringify } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { isTable, type Path, pathText } from '../../../src/config/path.ts';
import { positionAt, tomlPositions } from '../../../src/config/toml-positions.ts';

const cases: readonly (readonly [name: string, text: string, places: Record<string, string>])[] = [
  ['a key', 'a = 1', { a: '1:1' }],
  ['an indented key after a comment', '# a = 1\n  a = 2 # b = 3', { a: '2:3' }],
  ['a dotted key', 'a.b . c = 1', { a: '1:1', 'a.b': '1:3', 'a.b.c': '1:7' }],
  [
    'a table',
    '[a]\nb = 1\n\n [ c.d ]\n e=1',
    { a: '1:2', 'a.b': '2:1', c: '4:4', 'c.d': '4:6', 'c.d.e': '5:2' },
  ],
  [
    'an array of tables',
    '[[a.b]]\nc = 1\n[[a.b]]\nc = 2\n[a.b.d]\ne = 1',
    {
      a: '1:3',
      'a.b': '1:5',
      'a.b[0]': '1:5',
      'a.b[0].c': '2:1',
      'a.b[1]': '3:5',
      'a.b[1].c': '4:1',
      'a.b[1].d': '5:6',
      'a.b[1].d.e': '6:1',
    },
  ],
  [
    'arrays of tables in arrays of tables',
    '[[a]]\n[[a.b]]\n[[a]]\n[[a.b]]\n[[a.b]]\nc=1',
    {
      a: '1:3',
      'a[0]': '1:3',
      'a[0].b': '2:5',
      'a[0].b[0]': '2:5',
      'a[1]': '3:3',
      'a[1].b': '4:5',
      'a[1].b[0]': '4:5',
      'a[1].b[1]': '5:5',
      'a[1].b[1].c': '6:1',
    },
  ],
  [
    'inline tables and arrays',
    'a = [ {b = 1, c.d = [2, "x,]"]}, { } ]\ne = 1',
    {
      a: '1:1',
      'a[0]': '1:7',
      'a[0].b': '1:8',
      'a[0].c': '1:15',
      'a[0].c.d': '1:17',
      'a[0].c.d[0]': '1:22',
      'a[0].c.d[1]': '1:25',
      'a[1]': '1:34',
      e: '2:1',
    },
  ],
  [
    'an array over several lines, with comments',
    'a = [\n  1, # ]\n  # 2,\n  3,\n]\nb = 1',
    { a: '1:1', 'a[0]': '2:3', 'a[1]': '4:3', b: '6:1' },
  ],
  ['quoted keys', '"a b"."c\\u0064" = 1\n\'e"\' = 2', { '"a b"': '1:1', '"a b".cd': '1:7', '"e\\""': '2:1' }],
  [
    'multi-line strings that look like keys, with quotes at their end',
    'a = """\nx = 1\n[y]\n\\"""" # " """\nb = \'\'\'\nz = 1\'\'\'\'\'\nc = ""\nd = \'\'\ne = "\\"#"\nf = 1',
    { a: '1:1', b: '5:1', c: '7:1', d: '8:1', e: '9:1', f: '10:1' },
  ],
  [
    'Windows line ends and a byte order mark',
    '\ufeffa = 1\r\nb = 1979-05-27 07:32:00\r\n[c]\r\nd = 1',
    { a: '1:2', b: '2:1', c: '3:2', 'c.d': '4:1' },
  ],
];

function places(text: string): Record<string, string> {
  const shown = Array.from(tomlPositions(text), ([path, { line, column }]) => [path, `${line}:${column}`]);
  return Object.fromEntries(shown);
}

/** All paths of a parsed document. */
function pathsOf(value: unknown, path: Path = []): string[] {
  const members: [string | number, unknown][] = Array.isArray(value)
    ? [...value.entries()]
    : isTable(value)
      ? Object.entries(value)
      : [];
  return members.flatMap(([key, member]) => [pathText([...path, key]), ...pathsOf(member, [...path, key])]);
}

describe('tomlPositions', () => {
  it.each(cases)('finds %s', (_name, text, expected) => {
    parse(text); // the walker may assume that the parser took it
    expect(places(text)).toEqual(expected);
  });

  it('names exactly the paths of the parsed document', () => {
    const key = fc.oneof(fc.constantFrom('a', 'b', 'port', 'x-1'), fc.string({ maxLength: 6 }));
    const { document } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.string(),
        fc.integer(),
        fc.boolean(),
        tie('list'),
        tie('document'),
      ),
      list: fc.array(tie('value'), { maxLength: 4 }),
      document: fc.dictionary(key, tie('value'), { maxKeys: 4 }),
    }));
    fc.assert(
      fc.property(document, (tree) => {
        const text = stringify(tree as Record<string, unknown>);
        const found = [...tomlPositions(text).keys()];
        expect(found.toSorted()).toEqual(pathsOf(parse(text)).toSorted());
      }),
      { numRuns: 500 },
    );
  });

  it('takes every key at the place that it names', () => {
    const text = 'first = 1\n[second]\n  third.fourth = [ { fifth = 2 } ]\n[[sixth]]\n"seventh" = 3\n';
    const lines = text.split('\n');
    for (const [path, { line, column }] of tomlPositions(text)) {
      const name = /(\w+)(?:\[\d+\])?$/.exec(path)![1]!;
      const rest = lines[line - 1]!.slice(column - 1).replace(/^["{] ?/, '');
      if (!path.endsWith('[0]')) expect(rest.startsWith(name), `${path} at ${line}:${column}`).toBe(true);
    }
  });

  it('ends on text that is not TOML', () => {
    for (const text of ['=', ']', '"', 'a = [', '[[', '\u0000', 'a', '{}', 'a = """', "'''"])
      tomlPositions(text);
  });
});

describe('positionAt', () => {
  it('falls back to the nearest table, and to the beginning', () => {
    const positions = tomlPositions('\n[[listen.c2s]]\nport = 1\n');
    expect(positionAt(positions, ['listen', 'c2s', 0, 'port'])).toEqual({ line: 3, column: 1 });
    expect(positionAt(positions, ['listen', 'c2s', 0, 'tls', 'mode'])).toEqual({ line: 2, column: 10 });
    expect(positionAt(positions, ['general', 'hosts'])).toEqual({ line: 1, column: 1 });
  });
});
