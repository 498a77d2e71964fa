/** Classes of characters, and how many there are of each. */
const CLASSES: readonly (readonly [matches: (byte: number) => boolean, size: number])[] = [
  [(byte) => byte >= 0x61 && byte <= 0x7a, 26],
  [(byte) => byte >= 0x41 && byte <= 0x5a, 26],
  [(byte) => byte >= 0x30 && byte <= 0x39, 9],
  [(byte) => isOtherPrintable(byte), 33],
  [(byte) => byte < 0x21 || byte > 0x7e, 128],
];

function isOtherPrintable(byte: number): boolean {
  return (
    (byte >= 0x21 && byte <= 0x2f) ||
    (byte >= 0x3a && byte <= 0x40) ||
    (byte >= 0x5b && byte <= 0x60) ||
    (byte >= 0x7b && byte <= 0x7e)
  );
}

/**
 * How hard a password is to guess, in bits: its length times the logarithm of how many characters the classes in use have. The sizes are
 * those of MongooseIM, so that its operators' limits mean the same here.
 */
export function entropyBits(password: string): number {
  const bytes = Buffer.from(password);
  let characters = 0;
  for (const [matches, size] of CLASSES) if (bytes.some(matches)) characters += size;
  return characters === 0 ? 0 : bytes.length * Math.log2(characters);
}
