import { randomBytes } from 'node:crypto';
import {
  type Accumulator,
  type C2sParams,
  type Credentials,
  Element,
  type FastToken,
  type Jid,
  type ModuleContext,
  NS_FAST,
  type PersonalData,
  type UserAgent,
} from '../module.ts';
import { TOKEN_MECHANISMS } from './mechanisms.ts';
import type { FastOptions } from './mod-fast-auth-token.ts';
import type { FastRequest } from './request.ts';

const TOKEN_BYTES = 25;
/** Clients of one account that have tokens. */
export const AGENTS_MAX = 100;
/** Expired tokens that are deleted in one go. */
const CLEAN_UP_LIMIT = 1_000;
/** No login takes this long: what was revoked before then need not be remembered. */
const REVOCATION_US = 3_600_000_000;

/** Gives tokens to clients, and takes them away. */
export class Tokens {
  readonly #context: ModuleContext<FastOptions>;

  constructor(context: ModuleContext<FastOptions>) {
    this.#context = context;
  }

  /** Mechanisms that the client's connection can use, in order. */
  mechanisms(session: C2sParams): string[] {
    const { channelBindings } = this.#context.login(session);
    return [...TOKEN_MECHANISMS.values()]
      .filter(({ binding }) => binding === undefined || channelBindings.includes(binding))
      .map(({ name }) => name);
  }

  /** The client is known (`sasl2_success`): it gets the token that it asked for, or a new one for one that will soon be too old. */
  loggedIn(acc: Accumulator, session: C2sParams, creds: Credentials): undefined | Promise<undefined> {
    const agent = acc.get<UserAgent>('sasl2', 'user_agent')?.id;
    if (agent === undefined || creds.authMethod === 'anonymous') return undefined;
    // Whoever is thrown out loses the tokens of this client.
    session.setModuleState(this.#context.slot, agent);
    void acc.get<Promise<void>>('sasl2', 'answered')?.then(() => {
      // The client may have resumed a session that began in another way.
      const resumed = acc.get<C2sParams>('sasl2', 'session');
      resumed?.setModuleState(this.#context.slot, agent);
    });
    const request = acc.get<FastRequest>('fast', 'request');
    if (endsByItself(creds)) return undefined;
    const mechanism = request === undefined ? undefined : this.#wanted(acc, session, request);
    return mechanism === undefined ? undefined : this.#issue(acc, session, creds, agent, mechanism, request!);
  }

  #wanted(acc: Accumulator, session: C2sParams, request: FastRequest): string | undefined {
    if (request.mechanism !== undefined) {
      return this.mechanisms(session).includes(request.mechanism) ? request.mechanism : undefined;
    }
    const used = acc.get<FastToken>('fast', 'used');
    if (used === undefined || request.isLast) return undefined;
    const { rotateUs } = this.#context.options.validity_period;
    return used.expires - this.#context.timestamp() < rotateUs ? used.mechanism : undefined;
  }

  async #issue(
    acc: Accumulator,
    session: C2sParams,
    { username, authMethod }: Credentials,
    agent: string,
    mechanism: string,
    { startedAt }: FastRequest,
  ): Promise<undefined> {
    const now = this.#context.timestamp();
    const expires = now + this.#context.options.validity_period.accessUs;
    const token = randomBytes(TOKEN_BYTES).toString('base64');
    const entry = { token, mechanism, method: authMethod, expires };
    const { store } = this.#context;
    try {
      const args = [session.lserver, username, agent, entry, startedAt, now, AGENTS_MAX] as const;
      if (!(await store.request('fast_token_issue', ...args))) return;
    } catch (cause) {
      // The login has succeeded; the client will ask again next time.
      this.#context.log.error(
        { err: cause, what: 'fast_token_failed', user: username },
        'no token was issued',
      );
      return;
    }
    this.#context.count('issued');
    const expiry = new Date(expires / 1000).toISOString();
    acc.append('sasl2', 'answers', Element.of('token', NS_FAST, { token, expiry }));
  }

  /** A session was ended by somebody else: its client must not come back by itself. */
  kicked(session: C2sParams): void {
    const agent = session.moduleState(this.#context.slot) as string | undefined;
    if (agent === undefined) return;
    this.#revoke(session.jid!.bareJid, agent).catch((cause: unknown) => {
      const fields = { err: cause, what: 'fast_revoke_failed', jid: session.jid!.bare };
      this.#context.log.error(fields, 'the tokens of a client that was thrown out are still there');
    });
  }

  /** All tokens of an account end. */
  async revokeAll(jid: Jid): Promise<undefined> {
    await this.#revoke(jid, null);
  }

  async #revoke({ domain, local }: Jid, agent: string | null): Promise<void> {
    const { store } = this.#context;
    const count = await store.request('fast_token_revoke', domain, local, agent, this.#context.timestamp());
    if (count > 0) this.#context.count('revoked', count);
  }

  /** An account is new: whatever tokens of an earlier one of its name are left belong to somebody else. */
  async registered(jid: Jid): Promise<undefined> {
    if (await this.#context.accounts.exists(jid)) await this.revokeAll(jid);
  }

  async personalData(
    data: readonly PersonalData[],
    { domain, local }: Jid,
  ): Promise<readonly PersonalData[]> {
    const tokens = await this.#context.store.request('fast_token_list', domain, local);
    const rows = tokens.map(({ agent, mechanism, expires }) => [
      agent,
      mechanism,
      new Date(expires / 1000).toISOString(),
    ]);
    const columns = ['user_agent_id', 'mechanism', 'expires'];
    return [...data, { name: 'fast_auth_token', columns, rows }];
  }

  /** Deletes what has expired. */
  async cleanUp(): Promise<void> {
    const now = this.#context.timestamp();
    try {
      for (const host of this.#context.hosts) {
        let deleted: number;
        do {
          deleted = await this.#context.store.request(
            'fast_token_remove_expired',
            host,
            now,
            now - REVOCATION_US,
            CLEAN_UP_LIMIT,
          );
        } while (deleted === CLEAN_UP_LIMIT);
      }
    } catch (cause) {
      this.#context.log.warn({ err: cause, what: 'fast_clean_up_failed' }, 'expired tokens were not deleted');
    }
  }
}

/**
 * Whether somebody else said for how long the client may log in this way: by a token of X-OAUTH or a JWT, or by a certificate. That must not be turned into
 * a token that is renewed for ever. (Each of them is one message, too, so there is nothing to gain.)
 */
function endsByItself({ authMethod, mechanism }: Credentials): boolean {
  return mechanism === 'X-OAUTH' || mechanism === 'EXTERNAL' || authMethod === 'jwt';
}
