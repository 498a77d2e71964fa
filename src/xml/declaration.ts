import { PROBLEM } from './scan-problem.ts';

/** Longest XML declaration taken. */
export const DECLARATION_BYTES_MAX = 256;

// XML 1.0 §2.8 XMLDecl.
const DECLARATION =
  /^<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:'1\.[0-9]+'|"1\.[0-9]+")(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:'([A-Za-z][\w.-]*)'|"([A-Za-z][\w.-]*)"))?(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:'(?:yes|no)'|"(?:yes|no)"))?[ \t\r\n]*\?>$/;
const STARTS_DECLARATION = /^<\?xml[ \t\r\n?]/;

/** Checks what stands in the place of an XML declaration and begins with `<?`. Returns 0, or what is wrong with it. */
export function checkDeclaration(text: string): number {
  const match = DECLARATION.exec(text);
  if (match === null) {
    return STARTS_DECLARATION.test(text) ? PROBLEM.DECLARATION : PROBLEM.PROCESSING_INSTRUCTION;
  }
  const encoding = match[1] ?? match[2];
  return encoding === undefined || encoding.toUpperCase() === 'UTF-8' ? 0 : PROBLEM.ENCODING;
}
