import { type Path, pathText } from './path.ts';
import type { Problem } from './problem.ts';
import { type Positions, positionAt } from './toml-positions.ts';

/** What a problem carries besides its message. */
export interface ProblemDetails {
  readonly value?: unknown;
  readonly expected?: string;
  readonly suggestion?: string | undefined;
}

/** Collects the problems of one load, so that all of them are reported together. */
export class Report {
  readonly #positions: Positions;
  readonly #errors: Problem[] = [];
  readonly #warnings: Problem[] = [];

  constructor(positions: Positions) {
    this.#positions = positions;
  }

  /** Notes an error. What follows from an error already noted at the same place or above it is not repeated. */
  error(path: Path, message: string, details: ProblemDetails = {}): void {
    if (!this.isBroken(path)) this.#errors.push(this.#problem(path, message, details));
  }

  /** Notes a warning, unless it is about a value that an error stands at. */
  warn(path: Path, message: string, details: ProblemDetails = {}): void {
    if (!this.isBroken(path)) this.#warnings.push(this.#problem(path, message, details));
  }

  /** Whether an error stands at this path or above it. */
  isBroken(path: Path): boolean {
    for (let length = path.length; length >= 0; length--) {
      const text = pathText(path.slice(0, length));
      if (this.#errors.some((error) => error.path === text)) return true;
    }
    return false;
  }

  /** Whether an error stands at this path, above it or below it: conclusions from its value are then void. */
  isDoubtful(path: Path): boolean {
    const text = pathText(path);
    return (
      this.isBroken(path) ||
      this.#errors.some((error) => error.path.startsWith(`${text}.`) || error.path.startsWith(`${text}[`))
    );
  }

  get errors(): readonly Problem[] {
    return this.#errors.toSorted(byPlace);
  }

  get warnings(): readonly Problem[] {
    return this.#warnings.toSorted(byPlace);
  }

  #problem(path: Path, message: string, details: ProblemDetails): Problem {
    const { line, column } = positionAt(this.#positions, path);
    return {
      path: pathText(path),
      line,
      column,
      message,
      ...('value' in details ? { value: details.value } : {}),
      ...(details.expected === undefined ? {} : { expected: details.expected }),
      ...(details.suggestion === undefined ? {} : { suggestion: details.suggestion }),
    };
  }
}

function byPlace(a: Problem, b: Problem): number {
  return a.line - b.line || a.column - b.column;
}
