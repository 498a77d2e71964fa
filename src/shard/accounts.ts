import type { Registration, RegistrationRefusal } from '../auth/auth.ts';
import { Accumulator, Origin } from '../hooks/accumulator.ts';
import type { HostType } from '../hooks/host-type.ts';
import { foldHook, runHook } from '../hooks/run.ts';
import type { Accounts } from '../modules/module.ts';
import type { Jid } from '../xmpp/jid.ts';
import { makeJid } from '../xmpp/jid.ts';
import type { SessionId } from '../xmpp/session-id.ts';
import type { HostTypeAuth } from './login.ts';

export interface AccountSurroundings {
  hostTypeAuth(hostType: string): HostTypeAuth | undefined;
  nextRef(): number;
  timestamp(): number;
  /** Tells all shards, this one included, that an account came or went, or that a domain lost all of its accounts. */
  announce(notice: 'user_registered' | 'user_removed' | 'accounts_removed', bareOrDomain: string): void;
  /** Resolves when the other shards have handled all that was announced. */
  whenHandled(): Promise<void>;
  /** Resolves when what the account's sessions had sent before it was announced as removed is done with, on all shards. */
  whenIdle(bare: string): Promise<void>;
  /** What a session is having handled now is not waited for. */
  excuse(session: SessionId): void;
  exists(hostType: HostType, jid: Jid): boolean | Promise<boolean>;
  /** Ends everything that an account can log in with besides its password. */
  revoke(hostType: HostType, jid: Jid): Promise<void>;
  /** Ends all sessions of an account. */
  closeSessions(jid: Jid, text: string): void;
}

/** Accounts that come and go, with the hooks that belong to it. */
export class AccountService {
  readonly #around: AccountSurroundings;

  constructor(around: AccountSurroundings) {
    this.#around = around;
  }

  of(hostType: HostType): Accounts {
    return {
      exists: async (jid) => this.#around.exists(hostType, jid),
      isRegistered: (jid) => this.#around.exists(hostType, jid),
      register: (domain, username, password) => this.register(hostType, domain, username, password),
      setPassword: (jid, password) => this.setPassword(hostType, jid, password),
      remove: (jid, by) => this.remove(hostType, jid, by),
    };
  }

  /** Makes an account, then runs `register_user`. */
  async register(
    hostType: HostType,
    domain: string,
    username: string,
    password: string,
  ): ReturnType<Accounts['register']> {
    return await this.#registered(
      hostType,
      domain,
      await this.#auth(hostType).tryRegister(domain, username, password),
    );
  }

  /** Makes an account that has these SCRAM credentials, then runs `register_user`. */
  async import(hostType: HostType, jid: Jid, details: string): Promise<'registered' | RegistrationRefusal> {
    const { domain, local } = jid;
    return await this.#registered(
      hostType,
      domain,
      await this.#auth(hostType).tryImport(domain, local, details),
    );
  }

  async #registered(
    hostType: HostType,
    domain: string,
    outcome: Registration,
  ): Promise<'registered' | RegistrationRefusal> {
    if (outcome.kind === 'refused') return outcome.reason;
    const jid = makeJid(outcome.username, domain)!;
    this.#around.announce('user_registered', jid.bare);
    await foldHook(hostType, 'register_user', undefined, { jid });
    return 'registered';
  }

  /** Changes a password. What was given out on the strength of the old one has ended when this resolves. */
  async setPassword(hostType: HostType, jid: Jid, password: string): ReturnType<Accounts['setPassword']> {
    const result = await this.#auth(hostType).setPassword(jid.domain, jid.local, password);
    if (result === 'changed') await this.#around.revoke(hostType, jid.bareJid);
    return result;
  }

  /**
   * Removes an account: first the account, so that nobody logs in any more, then its data (`remove_user`), last its sessions. These are not
   * listened to any more once the account is gone, and what they had sent before is waited for, so that they cannot write new data under its name. `by`: a session of this
   * shard that has asked for it, and waits for the answer.
   */
  async remove(hostType: HostType, jid: Jid, by?: SessionId): Promise<boolean> {
    const bare = jid.bareJid;
    if (!(await this.#auth(hostType).removeUser(bare.domain, bare.local))) return false;
    if (by !== undefined) this.#around.excuse(by);
    this.#around.announce('user_removed', bare.bare);
    await this.#around.whenHandled();
    await this.#around.whenIdle(bare.bare);
    const acc = new Accumulator(
      this.#around.nextRef(),
      this.#around.timestamp(),
      Origin.NONE,
      hostType,
      bare.domain,
      undefined,
      bare,
      bare,
    );
    await runHook(hostType, 'remove_user', acc, { jid: bare });
    this.#around.closeSessions(bare, 'User removed');
    return true;
  }

  /**
   * Removes all accounts of a domain and ends its sessions on all shards, for the hook `remove_domain`. When it resolves no shard takes any
   * of them for an account any more, so that nothing new is stored for them while modules delete. Rejects when the store cannot.
   */
  async removeDomain(hostType: HostType, domain: string): Promise<void> {
    await this.#auth(hostType).removeDomain(domain);
    this.#around.announce('accounts_removed', domain);
    await this.#around.whenHandled();
  }

  #auth(hostType: HostType): HostTypeAuth['auth'] {
    return this.#around.hostTypeAuth(hostType.name)!.auth;
  }
}
