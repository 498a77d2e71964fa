/**
 * Whether a glob matches the whole text: `*` is any run of characters, `?` any one of them, `[a-z_]` one of a set, `[!a-z]` one
 * outside of it, and a backslash makes the next character plain. It goes back to the last star only, so the time is bounded by
 * the product of both lengths.
 */
export function matchesGlob(glob: string, text: string): boolean {
  const characters = [...text];
  const parts = globParts(glob);
  let part = 0;
  let at = 0;
  let star = -1;
  let starAt = 0;
  while (at < characters.length) {
    const wanted = parts[part];
    if (wanted === STAR) {
      star = part++;
      starAt = at;
    } else if (wanted?.(characters[at]!)) {
      part++;
      at++;
    } else if (star >= 0) {
      part = star + 1;
      at = ++starAt;
    } else return false;
  }
  while (parts[part] === STAR) part++;
  return part === parts.length;
}

type Part = (character: string) => boolean;
const STAR: Part = () => true;
const ANY: Part = () => true;
const PART = /\\(?<plain>.)|\[(?<not>[!^]?)(?<set>\][^\]]*|[^\]]+)\]|(?<single>.)/gsu;

function globParts(glob: string): Part[] {
  return Array.from(glob.matchAll(PART), ({ groups }) => {
    const { plain, not, set, single } = groups!;
    if (set !== undefined) return setPart(set, not !== '');
    if (single === '*') return STAR;
    if (single === '?') return ANY;
    const wanted = plain ?? single;
    return (character: string) => character === wanted;
  });
}

function setPart(set: string, isNegated: boolean): Part {
  const ranges = Array.from(set.matchAll(/(?<first>.)(?:-(?<last>.))?/gsu), ({ groups }) => {
    const { first, last } = groups!;
    return [first!.codePointAt(0)!, (last ?? first!).codePointAt(0)!] as const;
  });
  return (character) => {
    const code = character.codePointAt(0)!;
    return ranges.some(([first, last]) => first <= code && code <= last) !== isNegated;
  };
}
