import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Item } from '../../../src/portable/items.ts';
import { FileProblem } from '../../../src/portable/problem.ts';
import { readPortable } from '../../../src/portable/read.ts';
import { serialize } from '../../../src/xml/writer.ts';

/** Puts files into a fresh directory. Returns the path of the first. */
export function filesOf(files: Readonly<Record<string, string | Buffer>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'mk-portable-'));
  for (const [name, content] of Object.entries(files)) {
    const path = join(directory, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  return join(directory, Object.keys(files)[0]!);
}

/** What is read of a file, a line for each item; the problem that ended it is the last line. */
export function linesOf(path: string): string[] {
  const lines: string[] = [];
  try {
    for (const item of readPortable(path)) lines.push(lineOf(item));
  } catch (cause) {
    if (!(cause instanceof FileProblem)) throw cause;
    lines.push(`problem ${cause.message}`);
  }
  return lines;
}

/** The same of a single file with this text. */
export function linesOfText(text: string | Buffer): string[] {
  return linesOf(filesOf({ 'main.xml': text }));
}

export function lineOf(item: Item): string {
  switch (item.kind) {
    case 'host':
      return `host ${item.jid}`;
    case 'user':
      return `user ${item.name}${item.password === undefined ? '' : ` password ${item.password}`}`;
    case 'entry':
      return `${item.part.name} ${serialize(item.element)}`;
    case 'loss': {
      const { code, what, text, place } = item.loss;
      return `loss ${code} ${what}${text === undefined ? '' : ` (${text})`} at ${place.line}`;
    }
    default:
      return item.kind;
  }
}

/** A file with one user on localhost, with this inside. */
export function userFile(inside: string, head = ''): string {
  return `${head}<server-data xmlns='urn:xmpp:pie:0'><host jid='localhost'><user name='juliet'>${inside}</user></host></server-data>`;
}

/** The lines for what is inside of the user of {@link userFile}. */
export function insideOf(text: string): string[] {
  const lines = linesOfText(text);
  return lines.filter((line) => !/^(?:host|user)(?:_end$| )/.test(line));
}
