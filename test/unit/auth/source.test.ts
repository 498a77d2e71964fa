import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const SOURCE = resolve(import.meta.dirname, '../../../src');
const FILES = readdirSync(join(SOURCE, 'auth'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => join(SOURCE, 'auth', name));

const SECRET = '(?:\\w|\\.)*(?:password|proof|storedKey|serverKey|clientKey|signature|tag|secret|digest)';
const SECRET_COMPARED = new RegExp(
  `(?:${SECRET}\\s*[!=]==?[^=>])|(?:[!=]==?\\s*${SECRET}\\b(?!\\.length))`,
  'i',
);

/** Modules that check tokens. */
const TOKEN_FILES = ['mod-fast-auth-token', 'mod-auth-token'].flatMap((folder) =>
  readdirSync(join(SOURCE, 'modules', folder)).map((name) => join(SOURCE, 'modules', folder, name)),
);
const TOKEN_COMPARED =
  /\b(?:mac|hashed|expected|secret|token\.token)\s*[!=]==|[!=]==\s*(?:mac|hashed|expected|secret|token\.token)\b/;

describe('the source of src/auth', () => {
  it.each(FILES.map((file) => [relative(SOURCE, file), file]))('%s', (_name, file) => {
    const lines = readFileSync(file, 'utf8').split('\n');
    for (const line of lines) {
      const compared = SECRET_COMPARED.test(line) && !/[!=]== (?:undefined|'plain')/.test(line);
      expect(compared, `secrets are compared in constant time (T24): ${line}`).toBe(false);
      expect(line, 'secrets are random (T29)').not.toContain('Math.random');
      const specifier = /from '([^']+)'/.exec(line)?.[1];
      if (specifier?.startsWith('.')) {
        const target = relative(SOURCE, resolve(dirname(file), specifier));
        expect(target, 'imports of this folder').toMatch(/^(auth|xmpp|xml|util)\/|^limits\.ts$/);
      } else if (specifier !== undefined) {
        expect(specifier).toMatch(/^node:(crypto|buffer)$|^@mongodb-js\/saslprep$|^jose$/);
      }
    }
  });

  it.each(TOKEN_FILES.map((file) => [relative(SOURCE, file), file]))('%s', (_name, file) => {
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      expect(TOKEN_COMPARED.test(line), `tokens are compared in constant time (T24): ${line}`).toBe(false);
    }
  });

  it('finds a comparison of secrets', () => {
    for (const line of ['mac !== other', 'if (expected === hashed)', 'token.token === text']) {
      expect(TOKEN_COMPARED.test(line), line).toBe(true);
    }
    for (const line of ['if (storedKey === other)', 'return a === keys.serverKey;', 'x !== password']) {
      expect(SECRET_COMPARED.test(line), line).toBe(true);
    }
    expect(SECRET_COMPARED.test('password.length === 0')).toBe(false);
  });

  it('loads the tables of SASLprep in the task pool only', () => {
    const importers = FILES.filter((file) =>
      /from '[^']*(?:saslprep|\/password\.ts|\/derive\.ts)'/.test(readFileSync(file, 'utf8')),
    );
    expect(importers.map((file) => relative(SOURCE, file)).sort()).toEqual([
      'auth/derive.ts',
      'auth/password.ts',
    ]);
  });
});
