/** C0 controls, DEL, C1 controls, the line separators of Unicode, and marks that turn the direction of text around. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
const ALL_UNSAFE = new RegExp(UNSAFE, 'g');

/**
 * Text that may come from the wire, for a log or a terminal: line ends, escape sequences and the like are written out (`\u001b`), so that
 * nobody writes lines or colours of their own there (threat T69).
 */
export function escapeControls(text: string): string {
  return UNSAFE.test(text) ? text.replace(ALL_UNSAFE, escapeOne) : text;
}

/** The same for all strings in a value of plain data. */
export function escapeDeep(value: unknown): unknown {
  if (typeof value === 'string') return escapeControls(value);
  if (Array.isArray(value)) return value.map(escapeDeep);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [escapeControls(key), escapeDeep(inner)]),
  );
}

function escapeOne(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
