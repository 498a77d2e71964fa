import {
  type Accumulator,
  Element,
  EMPTY_RESULT,
  type IqAnswer,
  type IqRequest,
  isMixedScript,
  Jid,
  type ModuleContext,
  NO_REPLY,
  NS_CLIENT,
  NS_REGISTER,
  networkOf,
  Origin,
  parseLocalpart,
  type RegisterResult,
  type SessionId,
  Stanza,
  StanzaError,
} from '../module.ts';
import { IpAccess } from './ip-access.ts';
import type { RegisterOptions } from './mod-register.ts';
import { entropyBits } from './password-strength.ts';

/** Who wants an account. */
export interface Applicant {
  /** The IP address of the connection. */
  readonly address: string;
  /** The account that asks; undefined before login. */
  readonly jid: Jid | undefined;
}

/** The answer to a refused registration. */
const REFUSALS: Record<Exclude<RegisterResult, 'registered'>, StanzaError> = {
  null_password: new StanzaError('not-acceptable', 'The password is empty'),
  invalid_jid: new StanzaError('jid-malformed'),
  exists: new StanzaError('conflict'),
  limit_per_domain_exceeded: new StanzaError('not-allowed', 'The domain has no room for more accounts'),
  not_allowed: new StanzaError('not-allowed'),
};

const WEAK = 'The password is too weak';
const IN_CLEAR = 'Use TLS first: a password would be sent in the clear';

/** What is asked for, once its form has been checked. */
interface Form {
  readonly username: string;
  readonly password: string;
}

/** Makes, changes and cancels accounts. */
export class Registration {
  readonly #context: ModuleContext<RegisterOptions>;
  readonly #ipAccess: IpAccess;
  /** Results that are sent when the account is gone and its sessions are not yet. */
  readonly #leaving = new Map<string, () => void>();

  constructor(context: ModuleContext<RegisterOptions>) {
    this.#context = context;
    this.#ipAccess = new IpAccess(context.options.ip_access);
  }

  // ── requests of users ──────────────────────────────────────────────────────────────────────────────────────

  /** A request of a user who is logged in. */
  async request(request: IqRequest): Promise<IqAnswer> {
    const { type, from, to, payload, acc } = request;
    if (payload.name !== 'query') return new StanzaError('bad-request');
    const session = acc.origin === Origin.C2S ? this.#context.session(from)?.params : undefined;
    // Other servers and components have accounts of their own.
    if (session === undefined) return new StanzaError('forbidden');
    const isOwn = from.domain === to.domain;
    if (type === 'get') return this.#registered(from, isOwn);
    if (payload.child('remove') !== undefined) return await this.#remove(request, session.sid!, isOwn);
    const form = formOf(payload);
    if (form === undefined) return new StanzaError('bad-request');
    if (session.awaitsTls) return new StanzaError('policy-violation', IN_CLEAR);
    if (isOwn && parseLocalpart(form.username) === from.local)
      return await this.#changePassword(from, form.password);
    if (!this.#isAllowed(from.bareJid, to.domain)) return new StanzaError('forbidden');
    return await this.register(to.domain, form, { address: session.info.address, jid: from.bareJid });
  }

  async #registered(from: Jid, isOwn: boolean): Promise<IqAnswer> {
    const isRegistered = isOwn && (await this.#context.accounts.exists(from.bareJid));
    return instructions(isRegistered ? from.local : '', isRegistered);
  }

  /** XEP-0077 §3.2: nothing else may stand beside the `<remove/>`. The result comes first, then the sessions end. */
  async #remove({ acc, from, to, id, payload }: IqRequest, by: SessionId, isOwn: boolean): Promise<IqAnswer> {
    if (payload.elements().length !== 1) return new StanzaError('bad-request');
    const jid = from.bareJid;
    if (!isOwn || !this.#isAllowed(jid, jid.domain)) return new StanzaError('not-allowed');
    if (this.#leaving.has(jid.bare)) return new StanzaError('conflict', 'The account is being removed');
    let isAnswered = false;
    this.#leaving.set(jid.bare, () => {
      isAnswered = true;
      this.#answer(acc, id, from, to);
    });
    try {
      const isRemoved = await this.#context.accounts.remove(jid, by);
      if (isRemoved) this.#context.count('removed');
      else return new StanzaError('item-not-found');
    } finally {
      this.#leaving.delete(jid.bare);
    }
    return isAnswered ? NO_REPLY : EMPTY_RESULT;
  }

  #answer(acc: Accumulator, id: string, from: Jid, to: Jid): void {
    const result = Element.of('iq', NS_CLIENT, { type: 'result', id });
    void this.#context.route(acc.derive(Stanza.of(result), to, from));
  }

  /** An account is gone, its sessions are not yet (`remove_user`). */
  removed(jid: Jid): undefined {
    this.#leaving.get(jid.bare)?.();
  }

  async #changePassword(jid: Jid, password: string): Promise<IqAnswer> {
    if (password === '') return new StanzaError('bad-request');
    if (this.#isWeak(password)) return new StanzaError('not-acceptable', WEAK);
    switch (await this.#context.accounts.setPassword(jid.bareJid, password)) {
      case 'changed':
        this.#context.count('password_changed');
        return EMPTY_RESULT;
      case 'empty_password':
        return new StanzaError('bad-request');
      case 'user_not_found':
        return new StanzaError('item-not-found');
      default:
        return new StanzaError('not-allowed');
    }
  }

  // ── new accounts ───────────────────────────────────────────────────────────────────────────────────────────

  /** Makes an account. A try counts, whether it succeeds or not: nobody tries names or passwords out at leisure. */
  async register(domain: string, form: Form, applicant: Applicant): Promise<IqAnswer> {
    if (!(await this.#takeTurn(applicant))) {
      return new StanzaError('resource-constraint', 'Users are not allowed to register accounts so quickly');
    }
    const username = parseLocalpart(form.username);
    if (username === undefined) return new StanzaError('bad-request');
    const jid = new Jid(username, domain, '');
    if (!this.#isAllowed(jid, domain) || !this.#ipAccess.isAllowed(applicant.address)) {
      return new StanzaError('forbidden');
    }
    if (isMixedScript(username)) {
      return new StanzaError('not-acceptable', 'The name mixes letters of scripts that look alike');
    }
    if (form.password !== '' && this.#isWeak(form.password)) return new StanzaError('not-acceptable', WEAK);
    const result = await this.#context.accounts.register(domain, form.username, form.password);
    if (result !== 'registered') return REFUSALS[result];
    this.#context.count('registered');
    this.#welcome(jid);
    this.#tellWatchers(jid, applicant);
    return EMPTY_RESULT;
  }

  /** One registration at a time: for each address, and for each account that registers others. */
  async #takeTurn({ address, jid }: Applicant): Promise<boolean> {
    const periodMs = this.#context.registrationTimeoutMs;
    if (jid !== undefined && !(await this.#context.takeTurn('registration', jid.bare, periodMs)))
      return false;
    return await this.#context.takeTurn('registration', networkOf(address), periodMs);
  }

  #isAllowed(jid: Jid, domain: string): boolean {
    return this.#context.access(this.#context.options.access, jid, domain) === 'allow';
  }

  #isWeak(password: string): boolean {
    const { password_strength } = this.#context.options;
    return password_strength > 0 && entropyBits(password) < password_strength;
  }

  #welcome(jid: Jid): void {
    const message = this.#context.options.welcome_message;
    if (message === undefined || (message.subject === '' && message.body === '')) return;
    const subject = Element.of('subject', NS_CLIENT, {}, message.subject);
    const body = Element.of('body', NS_CLIENT, {}, message.body);
    this.#send(jid.domain, jid, Element.of('message', NS_CLIENT, { type: 'normal' }, subject, body));
  }

  #tellWatchers(jid: Jid, { address, jid: registrar }: Applicant): void {
    const by = registrar === undefined ? '' : ` by ${registrar.bare}`;
    const time = new Date().toISOString();
    const text = `[${time}] The account ${jid.bare} was registered from IP address ${address}${by}`;
    for (const watcher of this.#context.options.registration_watchers) {
      const to = this.#context.jid(watcher);
      const body = Element.of('body', NS_CLIENT, {}, text);
      if (to !== undefined)
        this.#send(jid.domain, to, Element.of('message', NS_CLIENT, { type: 'chat' }, body));
    }
  }

  #send(domain: string, to: Jid, message: Element): void {
    void this.#context.route(this.#context.accumulator(this.#context.trustedJid(domain), to, message));
  }
}

/** What a client is to fill in, or that there is nothing left to do (XEP-0077 §3.1). */
export function instructions(username: string, isRegistered: boolean): Element {
  const query = Element.of('query', NS_REGISTER);
  if (isRegistered) query.children.push(new Element('registered', NS_REGISTER));
  query.children.push(
    Element.of(
      'instructions',
      NS_REGISTER,
      {},
      'Choose a username and a password to register with this server',
    ),
    Element.of('username', NS_REGISTER, {}, ...(username === '' ? [] : [username])),
    new Element('password', NS_REGISTER),
  );
  return query;
}

/** Username and password of a request; undefined when one of them is missing. */
export function formOf(query: Element): Form | undefined {
  const username = query.childText('username');
  const password = query.childText('password');
  return username === undefined || password === undefined ? undefined : { username, password };
}
