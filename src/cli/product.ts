import { readFileSync } from 'node:fs';

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** What this server says of itself. */
export const PRODUCT = { name: 'Meerkat', version: manifest.version } as const;
