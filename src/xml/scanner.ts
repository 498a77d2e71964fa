import { skip } from './bytes.ts';
import { SPACE } from './classes.ts';
import { checkDeclaration, DECLARATION_BYTES_MAX } from './declaration.ts';
import { ElementScanner, Step } from './element-scanner.ts';
import { Scan } from './scan.ts';
import { isProblem, PROBLEM, problemOf, type ScanError } from './scan-problem.ts';
import type { Binding, StreamContext } from './stream-context.ts';

export { decodeValue } from './references.ts';
export { Scan } from './scan.ts';
export type { ScanError } from './scan-problem.ts';

const LT = 0x3c;
const QUESTION = 0x3f;

/**
 * The only parser of what arrives on a stream: one strict, incremental pass over the bytes.
 *
 * It takes any split of the input, checks well-formedness completely (names, nesting, attributes, namespace prefixes, references,
 * UTF-8, XML characters; XML 1.0 and Namespaces 1.0), refuses what XMPP forbids (RFC 6120 §11.1: comments, processing
 * instructions, DTD, other entities), enforces limits while reading, and records tokens from which `element.ts` can
 * build a tree without looking at the bytes a second time.
 *
 * A scanner has no memory of its stream between top-level elements: then it can serve any other stream. Only while an
 * element is unfinished does it belong to one connection.
 */
export class Scanner extends ElementScanner {
  error: ScanError = 'not-well-formed';
  errorText = '';

  /** Makes the scanner ready for a stream that has not been opened. */
  reset(): void {
    this.step = Step.PROLOG;
  }

  /** Whether an element (or the opening tag) is unfinished: the scanner must stay with its connection. */
  get isInside(): boolean {
    return this.step !== Step.BETWEEN && this.step !== Step.PROLOG;
  }

  /**
   * Starts (or goes on) reading top-level elements of the stream `context` describes.
   * Needed before {@link scan} whenever the scanner is not inside an element.
   */
  enter(context: StreamContext): void {
    this.context = context;
    this.step = context.headerName === '' ? Step.PROLOG : Step.BETWEEN;
  }

  /** Reads `buffer[pos..end)`. While inside an element, `base` must point at its first byte in this buffer. */
  scan(buffer: Buffer, pos: number, end: number): Scan {
    let i = this.step <= Step.BETWEEN ? this.#findElement(buffer, pos, end) : pos;
    const stop = Math.min(end, this.base + this.context!.limits.stanzaBytesMax);
    while (i >= 0) i = this.resume(buffer, i, stop);
    // Bytes ran out because there are no more, or because the element is as large as it may be.
    if (i === ~Scan.MORE && stop < end && this.step > Step.BETWEEN) i = PROBLEM.STANZA_BYTES;
    if (!isProblem(i)) return ~i as Scan;
    const { error, text } = problemOf(i);
    this.error = error;
    this.errorText = text;
    return Scan.ERROR;
  }

  /**
   * What the opening tag said, after {@link Scan.STREAM_OPEN}: its qualified name, its namespace and the bindings it made.
   * Its attributes are among the tokens.
   */
  openStream(buffer: Buffer): { name: string; namespace: string; bindings: Binding[] } {
    const { base, tokens } = this;
    return {
      name: buffer.utf8Slice(base + tokens[1]!, base + tokens[2]!),
      namespace: this.namespaceUri(buffer, tokens[4]!),
      bindings: this.declaredBindings(buffer),
    };
  }

  /** Steps over what may stand before an element, and over its `<`. */
  #findElement(buffer: Buffer, pos: number, end: number): number {
    let i = pos;
    this.base = i;
    if (this.step === Step.PROLOG) {
      i = this.#declaration(buffer, i, end);
      if (i < 0) return i;
      this.step = Step.PROLOG_SPACE;
    }
    i = skip(buffer, i, end, SPACE);
    this.base = i;
    if (i >= end) return this.wait(this.step, i);
    if (buffer[i] !== LT) {
      return this.step === Step.BETWEEN ? PROBLEM.TEXT_BETWEEN : PROBLEM.NO_OPENING_TAG;
    }
    this.begin(i, this.context!);
    this.step = Step.TAG;
    return i + 1;
  }

  /** The XML declaration, if there is one. */
  #declaration(buffer: Buffer, i: number, end: number): number {
    if (i >= end || (buffer[i] === LT && i + 1 >= end)) return this.wait(Step.PROLOG, i);
    if (buffer[i] !== LT || buffer[i + 1] !== QUESTION) return i;
    const most = Math.min(end, i + DECLARATION_BYTES_MAX);
    const close = buffer.subarray(i, most).indexOf('?>');
    if (close < 0 && end - i < DECLARATION_BYTES_MAX) return this.wait(Step.PROLOG, i);
    const after = close < 0 ? most : i + close + 2;
    const problem = checkDeclaration(buffer.latin1Slice(i, after));
    return problem < 0 ? problem : after;
  }
}
