import type { z } from 'zod';
import type { Environment } from '../environment.ts';
import type { Report } from '../report.ts';

/** What resolving needs besides the document. */
export interface ResolveContext {
  readonly report: Report;
  /** Relative paths in the file start here. */
  readonly directory: string;
  readonly env: Environment;
  /** The schemas of the built-in modules' options. */
  readonly moduleSchemas: ReadonlyMap<string, z.ZodType>;
}
