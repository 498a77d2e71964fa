import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import type { Path } from '../path.ts';
import type { ResolveContext } from './context.ts';

const SECRET_BYTES_MAX = 64 * 1024;

/** A path of the file as an absolute one. */
export function absolute(context: ResolveContext, path: string): string {
  return isAbsolute(path) ? path : resolve(context.directory, path);
}

/** Whether a file can be read; if not, why. */
export function unreadable(file: string): string | undefined {
  try {
    accessSync(file, constants.R_OK);
    return statSync(file).isDirectory() ? 'it is a directory' : undefined;
  } catch (error) {
    return reason(error);
  }
}

/** A secret: given in the file, or in a file of its own that `*_file` names. */
export function secret(
  context: ResolveContext,
  path: Path,
  key: string,
  value: string | undefined,
  file: string | undefined,
): string | undefined {
  const filePath = [...path, `${key}_file`];
  if (file === undefined) return value;
  if (value !== undefined) {
    context.report.error(filePath, `${key} is given as well, only one of them can count`);
    return undefined;
  }
  const name = absolute(context, file);
  try {
    const { size } = statSync(name);
    if (size > SECRET_BYTES_MAX) throw new Error(`it is larger than ${SECRET_BYTES_MAX} bytes`);
    const text = readFileSync(name, 'utf8').trim();
    if (text === '') throw new Error('it is empty');
    return text;
  } catch (error) {
    context.report.error(filePath, `cannot use ${name}: ${reason(error)}`, { value: file });
    return undefined;
  }
}

function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'it does not exist';
  if (code === 'EACCES') return 'permission denied';
  if (code === 'EISDIR') return 'it is a directory';
  return message;
}
