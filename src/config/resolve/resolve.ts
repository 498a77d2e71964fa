import { availableParallelism } from 'node:os';
import { join, resolve as resolvePath } from 'node:path';
import type { AdminConfig, Config, GeneralConfig, StorageConfig } from '../config.ts';
import { type Environment, variable } from '../environment.ts';
import { nearest } from '../nearest.ts';
import { showValue } from '../problem.ts';
import type { Document } from '../schema/document.ts';
import { LOG_LEVELS, SHARDS_MAX } from '../schema/general.ts';
import type { ResolveContext } from './context.ts';
import { absolute } from './files.ts';
import { resolveHostTypes } from './hosts.ts';
import { resolveListen } from './listeners.ts';
import { refuseDuplicates } from './names.ts';
import { resolveShapers } from './rules.ts';

// `sun_path` of Linux, less the closing zero; other systems have a little less.
const SOCKET_PATH_BYTES_MAX = 107;

/** What overrides the file. */
export interface Overrides {
  /** From `--data`. */
  readonly dataDirectory?: string | undefined;
  readonly env: Environment;
}

/** Makes the configuration of a checked document. Whether it may be used, the report tells. */
export function resolve(
  document: Document,
  file: string | undefined,
  overrides: Overrides,
  context: ResolveContext,
): Config {
  const shapers = resolveShapers(document.shaper, context);
  const hostTypes = resolveHostTypes(document, shapers, context);
  const storage = resolveStorage(document, overrides, context);
  const names = {
    shapers,
    rules: new Set([...hostTypes.values()].flatMap((hostType) => [...hostType.access.keys()])),
    auths: [...hostTypes.values()].map((hostType) => hostType.auth),
  };
  return {
    file,
    general: resolveGeneral(document, overrides, context),
    listen: resolveListen(document.listen, names, context),
    storage,
    admin: resolveAdmin(document, storage, overrides, context),
    shapers,
    hostTypes,
    hosts: new Map(document.general.hosts.map((host) => [host, host])),
    document,
  };
}

function resolveGeneral(
  { general }: Document,
  { env }: Overrides,
  { report }: ResolveContext,
): GeneralConfig {
  refuseDuplicates(general.routing_modules, ['general', 'routing_modules'], report);
  const wanted = variable(env, 'MEERKAT_LOGLEVEL');
  const level = LOG_LEVELS.find((one) => one === wanted);
  if (wanted !== undefined && level === undefined) {
    const message = `MEERKAT_LOGLEVEL is none of ${LOG_LEVELS.join(', ')}, got ${showValue(wanted)}`;
    report.error(['general', 'loglevel'], message, {
      value: wanted,
      suggestion: nearest(wanted, LOG_LEVELS),
    });
  }
  return {
    loglevel: level ?? general.loglevel,
    hosts: general.hosts,
    hostTypes: general.host_types,
    // Empty only when the report has an error about it.
    defaultServerDomain: general.default_server_domain ?? general.hosts[0] ?? '',
    language: general.language,
    registrationTimeoutMs: general.registration_timeout * 1000,
    hideServiceName: general.hide_service_name,
    routingModules: general.routing_modules,
    shards: general.shards === 'auto' ? Math.min(availableParallelism(), SHARDS_MAX) : general.shards,
    maxSessions: general.max_sessions,
    hookTimeoutMs: general.hook_timeout,
    drainTimeoutMs: general.drain_timeout,
  };
}

function resolveStorage({ storage }: Document, overrides: Overrides, context: ResolveContext): StorageConfig {
  // What the shell gave is relative to where it stands, what the file says to where the file is.
  const given = overrides.dataDirectory ?? variable(overrides.env, 'MEERKAT_DATA');
  const directory = given === undefined ? absolute(context, storage.directory) : resolvePath(given);
  return { directory, durability: storage.durability, partitions: storage.partitions };
}

function resolveAdmin(
  { admin }: Document,
  storage: StorageConfig,
  { env }: Overrides,
  context: ResolveContext,
): AdminConfig {
  const given = variable(env, 'MEERKAT_ADMIN_SOCKET');
  let socket = join(storage.directory, 'meerkat.sock');
  if (given !== undefined) socket = resolvePath(given);
  else if (admin.socket !== undefined) socket = absolute(context, admin.socket);
  const bytes = Buffer.byteLength(socket);
  if (bytes > SOCKET_PATH_BYTES_MAX) {
    const message = `the path of a Unix socket has at most ${SOCKET_PATH_BYTES_MAX} bytes, ${socket} has ${bytes}`;
    context.report.error(['admin', 'socket'], message, { value: socket });
  }
  return { socket };
}
