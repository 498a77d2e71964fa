/** Something wrong (or doubtful) in the configuration, at a place in its text. */
export interface Problem {
  /** As an operator writes it: `listen.c2s[0].port`. Empty for what concerns the text as a whole. */
  readonly path: string;
  readonly line: number;
  readonly column: number;
  /** One clause without full stop. It says what was expected and what was found, but not the suggestion. */
  readonly message: string;
  /** What the file has. Absent for secrets. */
  readonly value?: unknown;
  readonly expected?: string;
  /** The nearest thing that would have been valid. */
  readonly suggestion?: string;
}

const SHOWN_LENGTH_MAX = 60;

/** A value of the file for a message: on one line, escaped, not too long. */
export function showValue(value: unknown): string {
  let text: string;
  if (value === undefined) text = 'nothing';
  else if (value instanceof Date) text = value.toISOString();
  else if (typeof value === 'number') text = String(value);
  else text = JSON.stringify(value);
  // JSON leaves DEL and the C1 controls alone; a terminal would not.
  text = text.replace(/[\u007f-\u009f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}…` : text;
}

/** One problem as compilers write them: `meerkat.toml:12:3 listen.c2s[0].prot: unknown key; did you mean "port"?`. */
export function formatProblem(problem: Problem, file: string): string {
  const place = `${file}:${problem.line}:${problem.column}`;
  const subject = problem.path === '' ? '' : ` ${problem.path}:`;
  const hint =
    problem.suggestion === undefined ? '' : `; did you mean ${JSON.stringify(problem.suggestion)}?`;
  return `${place}${subject} ${problem.message}${hint}`;
}

/** All problems for a terminal, one a line. */
export function formatProblems(problems: readonly Problem[], file: string): string {
  return problems.map((problem) => formatProblem(problem, file)).join('\n');
}
