import type { z } from 'zod';
import type { Report } from '../report.ts';

/** What resolving needs besides the document. */
export interface ResolveContext {
  readonly report: Report;
  /** Relative paths in the file start here. */
  readonly directory: string;
  /** The schemas of the built-in modules' options. */
  readonly moduleSchemas: ReadonlyMap<string, z.ZodType>;
}
