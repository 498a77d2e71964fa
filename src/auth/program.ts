import { ForeignMethod } from './foreign.ts';
import type { RegisterOutcome } from './method.ts';
import type { MechanismKind } from './sasl/catalogue.ts';

/** A program that answers yes or no, by ejabberd's protocol for external authentication. Implemented in `outgoing/`. */
export interface AuthProgram {
  /** Asks one question. Rejects when the program cannot be asked or does not answer in time. */
  ask(question: string): Promise<boolean>;
}

/** Accounts behind a program of the operator's: `auth:USER:DOMAIN:PASSWORD` and so on. */
export class ProgramMethod extends ForeignMethod {
  readonly name = 'external';
  readonly #program: AuthProgram;

  constructor(program: AuthProgram) {
    super();
    this.#program = program;
  }

  supports(kind: MechanismKind): boolean {
    return kind === 'plain';
  }

  override checkPassword(domain: string, username: string, password: string): Promise<boolean> {
    return this.#ask('auth', domain, username, password);
  }

  doesUserExist(domain: string, username: string): Promise<boolean> {
    return this.#ask('isuser', domain, username);
  }

  override async tryRegister(domain: string, username: string, password: string): Promise<RegisterOutcome> {
    return (await this.#ask('tryregister', domain, username, password)) ? 'registered' : 'not_allowed';
  }

  override setPassword(domain: string, username: string, password: string): Promise<boolean> {
    return this.#ask('setpass', domain, username, password);
  }

  override removeUser(domain: string, username: string): Promise<boolean> {
    return this.#ask('removeuser', domain, username);
  }

  /** A localpart holds no colon (RFC 7622 §3.3.1), and the password comes last: no field can pose as another. */
  #ask(operation: string, domain: string, username: string, password?: string): Promise<boolean> {
    const fields = [operation, username, domain];
    return this.#program.ask((password === undefined ? fields : [...fields, password]).join(':'));
  }
}
