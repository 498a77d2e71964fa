import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { configurationPage } from '../../../docs/configuration-page.ts';
import { catalogue } from '../../../src/config/catalogue.ts';
import { documentSchema } from '../../../src/config/schema/document.ts';
import { moduleSchemas } from './helpers.ts';

describe('configurationPage', () => {
  it('is what docs/configuration.md has', () => {
    const committed = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');
    expect(committed).toBe(configurationPage(moduleSchemas));
  });

  it('shows the options of modules', () => {
    const page = configurationPage(moduleSchemas);
    expect(page).toContain('### [modules.mod_ping]');
    expect(page).toMatch(/^\| `ping_interval` \| integer ≥ 1 \|.*\| `60` \| live \|/m);
    expect(page).toContain('### [modules.mod_time]\n\nNo options.');
  });

  it('explains every option', () => {
    for (const { path, about } of catalogue(documentSchema)) expect(about, path).toMatch(/\.$/);
  });
});
