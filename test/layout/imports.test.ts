import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

/**
 * The layout of the sources, held: which folder may import which, and which library has which one importer. `docs/architecture.md` draws the same.
 */

const SRC = new URL('../../src', import.meta.url).pathname;
const WORKERS = new URL('../../workers', import.meta.url).pathname;

/** Folders that everything may use. */
const BASE = ['xmpp', 'xml', 'util', 'limits.ts'];

/** What a folder may import beside itself and {@link BASE}. `config` and `modules` for types only, unless they are named. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  util: [],
  xml: [],
  xmpp: [],
  'limits.ts': [],
  config: [],
  observe: [],
  memory: [],
  frame: [],
  auth: [],
  outgoing: [],
  portable: [],
  store: ['frame', 'memory', 'observe'],
  hooks: [],
  c2s: ['auth', 'hooks', 'memory', 'observe'],
  router: ['hooks', 'memory', 'observe'],
  local: ['hooks', 'memory', 'observe'],
  sm: ['hooks', 'memory', 'observe'],
  // The surface `modules/module.ts` gathers what modules may use; modules themselves are held below.
  modules: ['auth', 'hooks', 'local', 'observe', 'sm', 'store'],
  shard: [
    'auth',
    'c2s',
    'config',
    'frame',
    'hooks',
    'local',
    'memory',
    'modules',
    'observe',
    'outgoing',
    'router',
    'sm',
    'store',
  ],
  acceptor: ['config', 'memory', 'frame', 'observe'],
  supervisor: ['acceptor', 'config', 'memory', 'frame', 'observe'],
  admin: ['config', 'memory', 'observe', 'supervisor'],
  http: ['config', 'memory', 'observe', 'supervisor'],
};

/** Types may also come from here: they leave nothing behind at run time. */
const TYPES_FROM: Readonly<Record<string, readonly string[]>> = {
  c2s: ['sm'],
  frame: ['hooks'],
  hooks: ['auth', 'config'],
  supervisor: ['shard', 'sm'],
  admin: ['shard'],
  http: ['shard'],
  xmpp: ['hooks'],
};

/** Only wiring: may import anything. */
const WIRING = ['main.ts', 'cli'];

/** Libraries with one importer. */
const LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  amqplib: ['outgoing'],
  'better-sqlite3': ['store'],
  msgpackr: ['frame'],
  'smol-toml': ['config'],
  zod: ['config', 'modules', 'cli'],
  piscina: ['supervisor'],
  pino: ['observe'],
  'pino-pretty': ['observe'],
  commander: ['cli'],
  fastify: ['http'],
  'prom-client': ['http'],
  '@mongodb-js/saslprep': ['auth'],
  jose: ['auth'],
  ldapts: ['outgoing'],
  sax: ['portable'],
  selfsigned: ['supervisor'],
};

interface Import {
  readonly from: string;
  readonly to: string;
  readonly isType: boolean;
}

function files(directory: string): string[] {
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name);
    if (statSync(path).isDirectory()) return files(path);
    return name.endsWith('.ts') && !name.endsWith('.d.ts') ? [path] : [];
  });
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8');
  const found: Import[] = [];
  const pattern = /^(?:import|export)\s+(type\s+)?(?:([^'";]*?)\s+from\s+)?'([^']+)';/gms;
  for (const [, type, names, to] of text.matchAll(pattern)) {
    const allTypes =
      names !== undefined &&
      /^\{[^}]*\}$/s.test(names) &&
      names
        .replace(/[{}\s]/g, ' ')
        .split(',')
        .every((name) => name.trim() === '' || name.trim().startsWith('type '));
    found.push({ from: file, to: to!, isType: type !== undefined || allTypes });
  }
  for (const [, to] of text.matchAll(/\bimport\('([^']+)'\)/g))
    found.push({ from: file, to: to!, isType: true });
  return found;
}

/** The folder (or file) below `src` that a path belongs to. */
function place(path: string): string {
  return relative(SRC, path).split('/')[0]!;
}

const all = files(SRC).flatMap(importsOf);

describe('the layout', () => {
  it('names every folder there is', () => {
    const places = readdirSync(SRC);
    const known = new Set([...Object.keys(MAY_IMPORT), ...WIRING]);
    expect(places.filter((name) => !known.has(name))).toEqual([]);
  });

  it('lets folders import only what their line in the table names', () => {
    const wrong = all
      .filter(({ to }) => to.startsWith('.'))
      .filter(({ from, to, isType }) => {
        const own = place(from);
        const other = place(resolve(dirname(from), to));
        if (other === own || WIRING.includes(own) || BASE.includes(other)) return false;
        if (MAY_IMPORT[own]?.includes(other)) return false;
        if (isType && (other === 'config' || TYPES_FROM[own]?.includes(other))) return false;
        return true;
      })
      .map(({ from, to }) => `${relative(SRC, from)} imports ${to}`);
    expect(wrong).toEqual([]);
  });

  it('keeps the base free of everything else', () => {
    const order = ['util', 'xml', 'xmpp'];
    const wrong = all
      .filter(({ from, to, isType }) => to.startsWith('.') && !isType && order.includes(place(from)))
      .filter(({ from, to }) => {
        const other = place(resolve(dirname(from), to));
        return other !== 'limits.ts' && order.indexOf(other) > order.indexOf(place(from));
      })
      .map(({ from, to }) => `${relative(SRC, from)} imports ${to}`);
    expect(wrong).toEqual([]);
  });

  it('gives each module nothing but the API', () => {
    const isSurface = (file: string): boolean =>
      ['modules/module.ts', 'modules/registry.ts'].includes(file) || file.startsWith('modules/api/');
    const wrong = all
      .filter(({ from }) => place(from) === 'modules' && !isSurface(relative(SRC, from)))
      .filter(({ from, to }) => {
        if (!to.startsWith('.')) return to !== 'zod' && !to.startsWith('node:');
        const target = relative(SRC, resolve(dirname(from), to));
        if (target === 'modules/module.ts') return false;
        // Files of its own folder.
        return (
          dirname(resolve(dirname(from), to)) !== dirname(from) || dirname(from) === join(SRC, 'modules')
        );
      })
      .map(({ from, to }) => `${relative(SRC, from)} imports ${to}`);
    expect(wrong).toEqual([]);
  });

  it('has one importer for each library', () => {
    const wrong = all
      .filter(({ to }) => !to.startsWith('.') && !to.startsWith('node:'))
      .filter(({ from, to }) => {
        const name = to.startsWith('@') ? to.split('/').slice(0, 2).join('/') : to.split('/')[0]!;
        return !LIBRARIES[name]?.includes(place(from));
      })
      .map(({ from, to }) => `${relative(SRC, from)} imports ${to}`);
    expect(wrong).toEqual([]);
  });

  it('has no more than fifteen packages at run time (threat T71)', () => {
    const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    const names = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies });
    // Node.js itself, which comes as a package for each kind of machine, is none of them.
    expect(names.filter((name) => !name.startsWith('node-linux-')).length).toBeLessThanOrEqual(15);
    const page = readFileSync(new URL('../../docs/dependencies.md', import.meta.url), 'utf8');
    const missing = [...names, ...Object.keys(manifest.devDependencies)].filter(
      (name) => !page.includes(`\`${name}\``) && !name.startsWith('@types/'),
    );
    expect(missing).toEqual([]);
  });

  it('uses Atomics in memory/ only', () => {
    const wrong = files(SRC)
      .filter((file) => place(file) !== 'memory' && /\bAtomics\./.test(readFileSync(file, 'utf8')))
      .map((file) => relative(SRC, file));
    expect(wrong).toEqual([]);
  });

  it('writes SQL in store/ only', () => {
    const wrong = files(SRC)
      .filter(
        (file) =>
          place(file) !== 'store' &&
          /'(?:SELECT|INSERT|UPDATE|DELETE FROM|CREATE TABLE)\b/.test(readFileSync(file, 'utf8')),
      )
      .map((file) => relative(SRC, file));
    expect(wrong).toEqual([]);
  });

  it('takes no randomness from Math.random (threat T29)', () => {
    const wrong = [...files(SRC), ...files(WORKERS)]
      .filter((file) => readFileSync(file, 'utf8').includes('Math.random'))
      .map((file) => relative(SRC, file));
    expect(wrong).toEqual([]);
  });

  it('keeps thread entries to a screen', () => {
    const long = files(WORKERS).filter((file) => readFileSync(file, 'utf8').split('\n').length > 110);
    expect(long.map((file) => relative(WORKERS, file))).toEqual([]);
  });
});
