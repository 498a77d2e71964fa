/** Stream error conditions (RFC 6120 §4.9.3) that reading can end in. */
export type ScanError =
  | 'not-well-formed'
  | 'restricted-xml'
  | 'policy-violation'
  | 'bad-format'
  | 'bad-namespace-prefix'
  | 'unsupported-encoding';

/** Why input is not acceptable. */
export interface ScanProblem {
  readonly error: ScanError;
  readonly text: string;
}

/** Problems are negative numbers from here downwards, so that a step of the scanner can return a position or a problem. */
const FIRST_PROBLEM = -16;

const problems: ScanProblem[] = [];

function problem(error: ScanError, text: string): number {
  return FIRST_PROBLEM - (problems.push({ error, text }) - 1);
}

/** Everything that the scanner can object to. */
export const PROBLEM = {
  // Not XML 1.0, or not Namespaces in XML 1.0 (RFC 6120 §11.3)
  DECLARATION: problem('not-well-formed', 'bad XML declaration'),
  NO_OPENING_TAG: problem('not-well-formed', 'expected the opening tag of a stream'),
  CLOSED_FIRST: problem('not-well-formed', 'closing tag first'),
  CLOSING_TAG: problem('not-well-formed', 'closing tag does not match'),
  EMPTY_TAG: problem('not-well-formed', '> expected after /'),
  MARKUP: problem('not-well-formed', 'bad markup'),
  NAME: problem('not-well-formed', 'bad character in a name'),
  COLONS: problem('not-well-formed', 'two colons in a name'),
  NO_SPACE: problem('not-well-formed', 'space expected before an attribute'),
  NO_VALUE: problem('not-well-formed', 'attribute without a value'),
  NO_QUOTES: problem('not-well-formed', 'attribute value without quotes'),
  LESS_THAN: problem('not-well-formed', '< in an attribute value'),
  ATTRIBUTE_TWICE: problem('not-well-formed', 'attribute given twice'),
  CDATA_END: problem('not-well-formed', ']]> in text'),
  CONTROL: problem('not-well-formed', 'control character'),
  CHARACTER: problem('not-well-formed', 'character not allowed in XML'),
  UTF8: problem('not-well-formed', 'invalid UTF-8'),
  REFERENCE: problem('not-well-formed', 'bad reference'),
  CHARACTER_REFERENCE: problem('not-well-formed', 'bad character reference'),
  RESERVED_NAMESPACE: problem('not-well-formed', 'reserved namespace or prefix'),
  EMPTY_NAMESPACE: problem('not-well-formed', 'prefix bound to no namespace'),
  UNBOUND_PREFIX: problem('bad-namespace-prefix', 'prefix is not bound'),
  // XML, but not a stream of stanzas
  TEXT_BETWEEN: problem('bad-format', 'text between stanzas'),
  CLOSED_AT_ONCE: problem('bad-format', 'the stream is closed in its opening tag'),
  ENCODING: problem('unsupported-encoding', 'only UTF-8 is supported'),
  // Forbidden in XMPP (RFC 6120 §11.1)
  COMMENT: problem('restricted-xml', 'comment'),
  DOCUMENT_TYPE: problem('restricted-xml', 'document type declaration'),
  PROCESSING_INSTRUCTION: problem('restricted-xml', 'processing instruction'),
  ENTITY: problem('restricted-xml', 'entity reference'),
  // Beyond a limit
  STANZA_BYTES: problem('policy-violation', 'stanza too large'),
  ELEMENTS: problem('policy-violation', 'too many elements'),
  DEPTH: problem('policy-violation', 'nested too deeply'),
  ATTRIBUTES: problem('policy-violation', 'too many attributes'),
  NAME_BYTES: problem('policy-violation', 'name too long'),
  NAMESPACES: problem('policy-violation', 'too many namespace declarations'),
} as const;

/** Whether a number that a step of the scanner returned stands for a problem. */
export function isProblem(code: number): boolean {
  return code <= FIRST_PROBLEM;
}

export function problemOf(code: number): ScanProblem {
  return problems[FIRST_PROBLEM - code]!;
}
