import { writeFileSync } from 'node:fs';
import { PAGES } from './pages.ts';

/** Writes the generated pages anew: `npm run docs`. */
for (const [file, page] of PAGES) writeFileSync(new URL(file, import.meta.url), page());
