import { readFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { fileURLToPath } from 'node:url';

/**
 * Node strips types from every file but those below a `node_modules` folder, which is where we are when installed as a package. This
 * does the same for our own files. Preloaded by `bin/meerkat`; worker threads inherit it.
 */

const ours = new URL('../', import.meta.url).href;

registerHooks({
  load(url, context, next) {
    const file = url.split(/[?#]/, 1)[0];
    if (!file.startsWith(ours) || !file.endsWith('.ts')) return next(url, context);
    const source = stripTypeScriptTypes(readFileSync(fileURLToPath(file), 'utf8'));
    return { format: 'module', shortCircuit: true, source };
  },
});
