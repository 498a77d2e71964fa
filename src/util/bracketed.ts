/** Whether a text is one expression in round brackets, each of them closed: the outer form of a search filter (RFC 4515). */
export function isBracketed(text: string): boolean {
  let depth = 0;
  if (!text.startsWith('(')) return false;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '(') depth++;
    else if (text[at] === ')') depth--;
    if (depth < 0 || (depth === 0 && at < text.length - 1)) return false;
  }
  return depth === 0;
}
