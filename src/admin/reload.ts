import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { Config, ListenerConfig } from '../config/config.ts';
import type { LoadResult } from '../config/load.ts';
import { formatProblems, type Problem } from '../config/problem.ts';
import { type ReloadChange, reloadPlan } from '../config/reload.ts';
import { certificatesOf } from '../observe/certificates.ts';
import { applicable } from '../supervisor/reload.ts';
import { AdminError } from './errors.ts';

/** What came of a reload. */
export interface ReloadReport {
  readonly file: string | undefined;
  readonly changes: readonly ReloadChange[];
  /** Warnings about the file, one a line. */
  readonly warnings: string;
}

/** What is reloaded. */
export interface Reloadable {
  readonly config: Config;
  /** Reads the configuration anew. */
  load(): LoadResult;
  /** Takes over a configuration, wholly or not at all. */
  apply(config: Config): Promise<void>;
}

/**
 * Reloads the configuration, one reload after another. Certificates are read again by whoever uses them, whether or not the file changed. If
 * anything is wrong, everything stays as it was.
 */
export class Reloader {
  readonly #target: Reloadable;
  readonly #started: Config;
  #last: Promise<unknown> = Promise.resolve();
  /** The file as it was last taken over; what had to wait for a restart included. */
  #wanted: Config;

  constructor(target: Reloadable) {
    this.#target = target;
    this.#started = target.config;
    this.#wanted = target.config;
  }

  /** Rejects with {@link AdminError}. */
  reload(): Promise<ReloadReport> {
    const next = this.#last.then(() => this.#reload());
    this.#last = next.catch(() => {});
    return next;
  }

  async #reload(): Promise<ReloadReport> {
    const result = this.#target.load();
    const file = this.#target.config.file ?? 'default configuration';
    if (!result.ok) {
      throw new AdminError(
        'config_invalid',
        formatProblems(result.problems, file),
        problemsOf(result.problems),
      );
    }
    const wanted = result.config;
    checkCertificates(wanted);
    try {
      await this.#target.apply(applicable(this.#started, wanted));
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new AdminError('reload_failed', `nothing was changed: ${message.replace(/^Error: /, '')}`);
    }
    const changes = this.#changes(wanted);
    this.#wanted = wanted;
    return { file: wanted.file, changes, warnings: formatProblems(result.warnings, file) };
  }

  /** What is new since the last time; of what waits for a restart, all that differs from the start. */
  #changes(wanted: Config): ReloadChange[] {
    return [
      ...reloadPlan(this.#wanted, wanted).filter(({ effect }) => effect !== 'restart'),
      ...reloadPlan(this.#started, wanted).filter(({ effect }) => effect === 'restart'),
    ];
  }
}

/** Problems as plain data. Values are left out: some file may hold a secret in the wrong place. */
function problemsOf(problems: readonly Problem[]): unknown {
  return problems.map(({ path, line, column, message, suggestion }) => ({
    path,
    line,
    column,
    message,
    suggestion,
  }));
}

/** Whether all certificates can be used. Shards would find out, too; but then some of them would have changed already. */
function checkCertificates(config: Config): void {
  const listeners: readonly ListenerConfig[] = [...config.listen.c2s, ...config.listen.http];
  for (const { listener, certificate } of certificatesOf(listeners, undefined)) {
    try {
      createSecureContext({
        cert: readFileSync(certificate.certfile),
        key: readFileSync(certificate.keyfile),
        ...(certificate.password === undefined ? {} : { passphrase: certificate.password }),
      });
    } catch (cause) {
      const { message } = cause as Error;
      throw new AdminError(
        'reload_failed',
        `${listener}.tls: ${certificate.certfile} cannot be used: ${message}`,
      );
    }
  }
}
