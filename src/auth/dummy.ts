import { randomInt } from 'node:crypto';
import { ForeignMethod } from './foreign.ts';
import type { MechanismKind } from './sasl/catalogue.ts';

/** `[auth.dummy]` */
export interface DummyOptions {
  readonly baseTimeMs: number;
  /** At least 1. */
  readonly varianceMs: number;
}

/** Accepts everybody with any password, after a while; for load tests. Nobody may be able to reach it who should not. */
export class DummyMethod extends ForeignMethod {
  readonly name = 'dummy';
  readonly #options: DummyOptions;

  constructor(options: DummyOptions) {
    super();
    this.#options = options;
  }

  supports(kind: MechanismKind): boolean {
    return kind === 'plain';
  }

  /** Takes `base_time` and a random part of `variance`, as a slow backend would. */
  override async checkPassword(): Promise<boolean> {
    const { baseTimeMs, varianceMs } = this.#options;
    const ms = baseTimeMs + randomInt(1, varianceMs + 1);
    await new Promise<void>((resolve) => {
      setTimeout(resolve, ms);
    });
    return true;
  }

  async doesUserExist(): Promise<boolean> {
    return true;
  }
}
