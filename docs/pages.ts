import { BUILT_IN_MODULES } from '../src/modules/registry.ts';
import { configurationPage } from './configuration-page.ts';
import { hooksPage } from './hooks-table.ts';
import { metricsPage } from './metrics-page.ts';
import { xepsPage } from './xeps-page.ts';

const moduleSchemas = new Map(Array.from(BUILT_IN_MODULES, ([name, { options }]) => [name, options]));

/** The generated pages of this folder by file name, and how each is made. */
export const PAGES: ReadonlyMap<string, () => string> = new Map([
  ['configuration.md', () => configurationPage(moduleSchemas)],
  ['hooks.md', hooksPage],
  ['metrics.md', metricsPage],
  ['xeps.md', () => xepsPage(BUILT_IN_MODULES.values())],
]);
