import { createInterface } from 'node:readline';
import { AdminError } from '../admin/errors.ts';
import type { Io } from './io.ts';

/** A password has no more characters than that. */
const LENGTH_MAX = 65_536;
const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const BACKSPACE = ['\u0008', '\u007f'];
const ENTER = ['\r', '\n'];

/**
 * The password of a command: the argument, or, without one or for `-`, a line of standard input. On a terminal it is asked for twice, and
 * not shown.
 */
export async function passwordFrom(argument: string | undefined, io: Io): Promise<string> {
  if (argument !== undefined && argument !== '-') return argument;
  if (!io.stdin.isTTY) return nonEmpty(await firstLine(io));
  const [password, again] = await askAll(['Password: ', 'Again: '], io);
  if (password !== again) throw new AdminError('password_missing', 'the two passwords differ');
  return nonEmpty(password);
}

function nonEmpty(password: string | undefined): string {
  if (password === undefined || password === '')
    throw new AdminError('password_missing', 'no password given');
  return password;
}

async function firstLine(io: Io): Promise<string | undefined> {
  const lines = createInterface({ input: io.stdin, crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) return line.slice(0, LENGTH_MAX);
  return undefined;
}

/** Asks on a terminal, one after another. What is typed is not shown, not even what is typed ahead. */
async function askAll(questions: readonly string[], io: Io): Promise<string[]> {
  const { stdin } = io;
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  const typed = characters(stdin);
  try {
    const answers: string[] = [];
    for (const question of questions) {
      io.err(question);
      answers.push(await lineOf(typed));
      io.err('\n');
    }
    return answers;
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
  }
}

async function* characters(stdin: NodeJS.ReadStream): AsyncGenerator<string, undefined> {
  for await (const text of stdin.iterator({ destroyOnReturn: false })) yield* text as string;
}

async function lineOf(typed: AsyncGenerator<string, undefined>): Promise<string> {
  let line = '';
  for (;;) {
    const { value: character } = await typed.next();
    if (character === undefined || character === CTRL_C)
      throw new AdminError('password_missing', 'interrupted');
    if (ENTER.includes(character) || character === CTRL_D) return line;
    if (BACKSPACE.includes(character)) line = [...line].slice(0, -1).join('');
    else if (line.length < LENGTH_MAX) line += character;
  }
}
