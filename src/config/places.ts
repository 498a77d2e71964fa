import { readFileSync } from 'node:fs';
import { parse } from 'smol-toml';

/** Where a configuration puts what other processes look for. */
export interface Places {
  /** `admin.socket`, as it stands in the file. */
  readonly socket: string | undefined;
  /** `storage.directory`, as it stands in the file. */
  readonly directory: string | undefined;
}

/** Looks into a file for these places alone: whatever else is wrong with it is in nobody's way. */
export function placesIn(file: string): Places {
  let tree: Record<string, unknown>;
  try {
    tree = parse(readFileSync(file, 'utf8'));
  } catch {
    return { socket: undefined, directory: undefined };
  }
  return { socket: textAt(tree, 'admin', 'socket'), directory: textAt(tree, 'storage', 'directory') };
}

function textAt(tree: Record<string, unknown>, section: string, key: string): string | undefined {
  const table = tree[section];
  if (typeof table !== 'object' || table === null) return undefined;
  const value = (table as Record<string, unknown>)[key];
  return typeof value === 'string' ? value : undefined;
}
