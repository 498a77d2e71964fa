import { dirname, join, resolve } from 'node:path';
import { variable } from '../config/environment.ts';
import { placesIn } from '../config/places.ts';

/** Which server is meant, as the options say. */
export interface Target {
  readonly config?: string | undefined;
  readonly data?: string | undefined;
  readonly socket?: string | undefined;
}

/**
 * The admin socket of the server that is meant. The configuration is only looked at for its place, so that a mistake elsewhere in a file
 * that is just being edited is in nobody's way.
 */
export function socketPath(target: Target, env: NodeJS.ProcessEnv): string {
  const given = target.socket ?? variable(env, 'MEERKAT_ADMIN_SOCKET');
  if (given !== undefined) return resolve(given);
  const name = target.config ?? variable(env, 'MEERKAT_CONFIG');
  const file = name === undefined ? undefined : resolve(name);
  const { socket, directory } = file === undefined ? NOWHERE : placesIn(file);
  const base = file === undefined ? process.cwd() : dirname(file);
  if (socket !== undefined) return resolve(base, socket);
  const data = target.data ?? variable(env, 'MEERKAT_DATA');
  return join(data === undefined ? resolve(base, directory ?? './data') : resolve(data), 'meerkat.sock');
}

const NOWHERE = { socket: undefined, directory: undefined };
