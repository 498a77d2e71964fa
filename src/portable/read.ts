import { basename } from 'node:path';
import { PortableDocument } from './document.ts';
import { IncludeFiles, IncludeRefused, type SourceFile } from './include-files.ts';
import type { Item, Level } from './items.ts';
import { FileProblem } from './problem.ts';
import { SaxReader } from './sax-reader.ts';

/**
 * Reads a file of XEP-0227 with the files that it includes, and gives what is in them in order; never more than a piece of each file is in memory.
 * Throws {@link FileProblem} where a file cannot be read any further: what came before it is as it is in the file.
 */
export function* readPortable(main: string): Generator<Item> {
  let files: IncludeFiles;
  let file: SourceFile;
  try {
    files = new IncludeFiles(main);
    file = files.openMain(main);
  } catch (cause) {
    throw new FileProblem({ file: main, line: 0 }, (cause as Error).message, { cause });
  }
  yield* readFile(files, file, 'file', 0);
}

function* readFile(files: IncludeFiles, file: SourceFile, level: Level, depth: number): Generator<Item> {
  const name = basename(file.path);
  const document = new PortableDocument(level, () => reader.place);
  const reader: SaxReader = new SaxReader(name, document);
  try {
    for (;;) {
      const text = nextPiece(file, reader);
      let problem: unknown;
      try {
        if (text === undefined) reader.end();
        else reader.write(text);
      } catch (cause) {
        problem = cause;
      }
      // Also what came before a mistake.
      for (const item of document.take()) {
        if (item.kind === 'include') yield* readIncluded(files, file, item, depth + 1);
        else yield item;
      }
      if (problem !== undefined) throw problem;
      if (text === undefined) return;
    }
  } finally {
    file.close();
  }
}

function nextPiece(file: SourceFile, reader: SaxReader): string | undefined {
  try {
    return file.read();
  } catch (cause) {
    const text = cause instanceof TypeError ? 'it is not UTF-8' : (cause as Error).message;
    throw new FileProblem(reader.place, text, { cause });
  }
}

function* readIncluded(
  files: IncludeFiles,
  from: SourceFile,
  { href, level, place }: Extract<Item, { kind: 'include' }>,
  depth: number,
): Generator<Item> {
  let file: SourceFile;
  try {
    file = files.open(href, from.path, depth);
  } catch (cause) {
    if (!(cause instanceof IncludeRefused)) throw cause;
    yield {
      kind: 'loss',
      loss: { code: 'include', what: 'a file', text: `${href}: ${cause.message}`, place },
    };
    return;
  }
  yield* readFile(files, file, level, depth);
}
