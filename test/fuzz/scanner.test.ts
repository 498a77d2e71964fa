import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { NO_LIMITS, opened, read } from '../unit/xml/reading.ts';
import { Dice } from './dice.ts';
import { judge } from './oracle.ts';
import { FUZZ_SEED, FUZZ_TIMEOUT_MS, settings } from './settings.ts';
import { tree } from './trees.ts';
import { writeVaried } from './varied-xml.ts';

/**
 * Our scanner against saxes (threat T03): two parsers that disagree are how stanzas get smuggled. Where the scanner is meant to
 * differ, `isIntended` says so.
 */

console.info(`FUZZ_SEED=${FUZZ_SEED}`);
vi.setConfig({ testTimeout: FUZZ_TIMEOUT_MS });

const context = opened(NO_LIMITS);
const seed = fc.integer();

function cutsOf(length: number, dice: Dice): number[] {
  return Array.from({ length: dice.below(5) }, () => dice.below(length + 1)).sort((a, b) => a - b);
}

describe('a well-formed element', () => {
  test('is read as what was written, by both parsers, however it is written and cut', () => {
    fc.assert(
      fc.property(tree, seed, (element, choices) => {
        const dice = new Dice(choices);
        const bytes = Buffer.from(writeVaried(element, dice));
        expect(judge(bytes)).toEqual({ elements: [element], isClean: true });
        const expected = { elements: [element], end: 'between' };
        expect(read(bytes, context)).toMatchObject(expected);
        expect(read(bytes, context, cutsOf(bytes.length, dice))).toMatchObject(expected);
      }),
      settings(),
    );
  });
});

const FRAGMENTS = [
  '<',
  '>',
  '/',
  '&',
  ';',
  "'",
  '"',
  '=',
  ' ',
  '\n',
  '\r',
  '\t',
  ':',
  ']',
  ']]>',
  '<!',
  '<!--',
  '-->',
  '<![CDATA[',
  '<?',
  '?>',
  '<?xml version="1.0"?>',
  '<!DOCTYPE a>',
  '<a>',
  '</a>',
  '<a/>',
  '</stream:stream>',
  '</message>',
  '<message>',
  '</',
  '/>',
  "xmlns=''",
  "xmlns='urn:x'",
  "xmlns:p='urn:x'",
  "xmlns:q='urn:x'",
  "xmlns:p=''",
  "xmlns:xml='urn:x'",
  "xmlns:xmlns='urn:x'",
  " xmlns:xml='http://www.w3.org/XML/1998/namespace'",
  " xmlns='http://www.w3.org/XML/1998/namespace'",
  " xmlns:p='http://www.w3.org/2000/xmlns/'",
  "<p:a xmlns:p='urn:x'/>",
  '<p:a/>',
  "p:b='1'",
  "q:b='1'",
  "b='1'",
  "id='1'",
  "xml:lang='en'",
  'xml:lang',
  'xmlns',
  'p:',
  ':p',
  '&amp;',
  '&lt;',
  '&#60;',
  '&#x3c;',
  '&#0;',
  '&#xD800;',
  '&#x10FFFF;',
  '&#x110000;',
  '&nbsp;',
  '&',
  '&#',
  '&#x',
  '&am',
  '\0',
  '\u0001',
  '\u007f',
  '\u0085',
  '\u00b7',
  '\u0301',
  '\u037e',
  '\u2028',
  '\ufeff',
  '\ufffe',
  '\uffff',
  '😀',
  'é',
].map((text) => Buffer.from(text));
const BROKEN_UTF8 = [
  [0x80],
  [0xc0, 0xaf],
  [0xc3],
  [0xe2, 0x82],
  [0xed, 0xa0, 0x80],
  [0xf0, 0x9f, 0x98],
  [0xf4, 0x90, 0x80, 0x80],
  [0xff],
].map((bytes) => Buffer.from(bytes));

/** Bytes near to those given. */
function mutate(bytes: Buffer, dice: Dice): Buffer {
  let result = bytes;
  for (let n = 1 + dice.below(3); n > 0; n--) {
    const at = dice.below(result.length + 1);
    const end = Math.min(result.length, at + 1 + dice.below(6));
    const before = result.subarray(0, at);
    const after = result.subarray(at);
    switch (dice.below(7)) {
      case 0: {
        // One bit.
        result = Buffer.from(result);
        if (at < result.length) result[at]! ^= 1 << dice.below(8);
        break;
      }
      case 1:
        result = Buffer.concat([before, result.subarray(end)]);
        break;
      case 2:
        result = Buffer.concat([before, result.subarray(at, end), after]);
        break;
      case 3:
        result = before;
        break;
      case 4:
        result = Buffer.concat([before, dice.pick(BROKEN_UTF8), after]);
        break;
      default:
        result = Buffer.concat([before, dice.pick(FRAGMENTS), after]);
    }
  }
  return result;
}

/**
 * Where we differ from saxes on purpose:
 * - References are at most 16 bytes long, so that an unfinished one can be looked at again. No character needs more.
 * - saxes trims the names of namespaces. Namespaces 1.0 §2.3 compares them character by character.
 */
function isIntended(bytes: Buffer): boolean {
  const text = bytes.utf8Slice(0, bytes.length);
  if (/&[^&;<]{15,};/.test(text)) return true;
  // References at the ends may stand for space.
  return Array.from(text.matchAll(/xmlns[^=]*=\s*('[^']*'|"[^"]*")/g)).some(([, value]) =>
    /^\s|^&#|\s$|&#[^;]*;$/.test(value!.slice(1, -1)),
  );
}

/** Checks that both parsers agree: on the elements that are whole, and on whether all is well at the end. */
function compare(bytes: Buffer, cuts: readonly number[]): void {
  if (isIntended(bytes)) return;
  const judgement = judge(bytes);
  const { elements, end } = read(bytes, context, cuts);
  expect({ elements, isClean: end === 'between' || end === 'closed' }).toEqual(judgement);
}

describe('input that is nearly well-formed', () => {
  test('is accepted or refused by both parsers, and means the same to both', () => {
    fc.assert(
      fc.property(fc.array(tree, { minLength: 1, maxLength: 3 }), seed, (elements, choices) => {
        const dice = new Dice(choices);
        const written = elements
          .map((element) => writeVaried(element, dice))
          .join(dice.pick(['', ' ', '\n']));
        const bytes = mutate(Buffer.from(written), dice);
        compare(bytes, cutsOf(bytes.length, dice));
      }),
      settings(4),
    );
  });

  test('made of nothing but fragments is judged the same', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...FRAGMENTS, ...BROKEN_UTF8), { maxLength: 12 }),
        seed,
        (parts, choices) => {
          const bytes = Buffer.concat(parts);
          compare(bytes, cutsOf(bytes.length, new Dice(choices)));
        },
      ),
      settings(4),
    );
  });

  test('made of fragments inside a tag is judged the same', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...FRAGMENTS), { maxLength: 8 }), seed, (parts, choices) => {
        const spaced = parts.flatMap((part) => [Buffer.from(' '), part]);
        const bytes = Buffer.concat([
          Buffer.from("<a xmlns:r='urn:x'"),
          ...spaced,
          Buffer.from("><b r:b='1'/></a>"),
        ]);
        compare(bytes, cutsOf(bytes.length, new Dice(choices)));
      }),
      settings(2),
    );
  });

  test('of any characters in a name is judged the same', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }), seed, (name, choices) => {
        const text = name.toWellFormed();
        const bytes = Buffer.from(`<${text}/><a ${text}=''/><a>${text}</a>`);
        compare(bytes, cutsOf(bytes.length, new Dice(choices)));
      }),
      settings(2),
    );
  });
});
