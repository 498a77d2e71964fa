/** Where a value stands in the configuration: keys of tables and indexes of arrays, from the root. */
export type Path = readonly (string | number)[];

const BARE_KEY = /^[A-Za-z0-9_-]+$/;

/** The path as an operator reads it: `listen.c2s[0].port`; keys that TOML would quote are quoted. */
export function pathText(path: Path): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else text += (text === '' ? '' : '.') + (BARE_KEY.test(step) ? step : JSON.stringify(step));
  }
  return text;
}

/** A TOML table as `smol-toml` returns it: an object without prototype. */
export type Table = { [key: string]: unknown };

/** Whether the value is a table (and not a list, a date or a scalar). */
export function isTable(value: unknown): value is Table {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/** The value at a path of a parsed tree; undefined where there is none. */
export function valueAt(tree: unknown, path: Path): unknown {
  let value = tree;
  for (const step of path) {
    if (typeof step === 'number') value = Array.isArray(value) ? value[step] : undefined;
    else value = isTable(value) && Object.hasOwn(value, step) ? value[step] : undefined;
  }
  return value;
}
