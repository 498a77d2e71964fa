import type { Config } from '../config/config.ts';
import type { LoadResult } from '../config/load.ts';
import { formatProblems, type Problem } from '../config/problem.ts';
import { type ReloadChange, reloadPlan } from '../config/reload.ts';
import { type CertificateReport, noteText } from '../supervisor/certificates.ts';
import { applicable } from '../supervisor/reload.ts';
import { AdminError } from './errors.ts';

/** What came of a reload. */
export interface ReloadReport {
  readonly file: string | undefined;
  readonly changes: readonly ReloadChange[];
  /** Warnings about the file and the certificates, one a line. */
  readonly warnings: string;
}

/** What is reloaded. */
export interface Reloadable {
  readonly config: Config;
  /** Reads the configuration anew. */
  load(): LoadResult;
  /** Looks at all certificates, before anything changes. */
  checkCertificates(config: Config): Promise<CertificateReport>;
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
    try {
      return await this.#attempt();
    } catch (cause) {
      if (cause instanceof AdminError) throw cause;
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new AdminError('reload_failed', `nothing was changed: ${message.replace(/^Error: /, '')}`);
    }
  }

  async #attempt(): Promise<ReloadReport> {
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
    const certificates = await this.#target.checkCertificates(wanted);
    refuseUnusable(certificates, 'nothing was changed');
    await this.#target.apply(applicable(this.#started, wanted));
    const changes = this.#changes(wanted);
    this.#wanted = wanted;
    const warnings = [formatProblems(result.warnings, file), ...certificates.warnings.map(noteText)];
    return { file: wanted.file, changes, warnings: warnings.filter(Boolean).join('\n') };
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

/** Throws `certificate_invalid` with all certificates that cannot be used; `consequence` is what that means. */
export function refuseUnusable({ problems }: CertificateReport, consequence: string): void {
  if (problems.length === 0) return;
  const texts = problems.map(noteText);
  throw new AdminError('certificate_invalid', [consequence, ...texts].join('\n'), texts);
}
