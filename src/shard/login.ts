import type { HostAuth } from '../auth/auth.ts';
import { MECHANISM_BY_NAME } from '../auth/sasl/catalogue.ts';
import { channelBindingTypes } from '../auth/sasl/channel-binding.ts';
import type { SaslHost } from '../auth/sasl/exchange.ts';
import type { ExternalIdentity } from '../auth/sasl/external-rules.ts';
import { createMechanism } from '../auth/sasl/mechanism.ts';
import { type MechanismOffer, offeredMechanisms } from '../auth/sasl/offer.ts';
import { failure, type SaslFailure } from '../auth/sasl/result.ts';
import type { C2s } from '../c2s/c2s.ts';
import type { DomainInfo } from '../c2s/c2s-host.ts';
import type { LoginService, SaslExchange } from '../c2s/login-service.ts';
import type { AuthConfig } from '../config/config.ts';
import type { Accumulator } from '../hooks/accumulator.ts';
import { foldHook } from '../hooks/run.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { LabelledCounts } from './labelled-counts.ts';
import { type ModuleMechanisms, startModuleMechanism } from './module-mechanisms.ts';
import type { TlsFactsSource } from './tls.ts';

/** The label of mechanisms that there are not. */
const UNKNOWN = 'unknown';

/** Until a module says somebody. */
const NOBODY: ExternalIdentity = { kind: 'refused', condition: 'not-authorized' };

/** What logging in needs to know about a host type. */
export interface HostTypeAuth {
  readonly config: AuthConfig;
  readonly auth: HostAuth;
}

export interface LoginSurroundings {
  readonly counts: LabelledCounts;
  readonly secret: Buffer;
  readonly tlsFacts: TlsFactsSource;
  /** Those that modules bring. */
  readonly mechanisms: ModuleMechanisms;
  domain(name: string): DomainInfo | undefined;
  hostTypeAuth(hostType: string): HostTypeAuth | undefined;
  /** The value of an access rule. */
  access(rule: string, jid: Jid, domain: DomainInfo): string | number;
}

/** Logging in, over the authentication methods of each domain's host type. */
export class Logins implements LoginService {
  readonly #around: LoginSurroundings;
  /** Hosts and offers differ only by listener, domain and kind of TLS: a handful of each. */
  readonly #hosts = new Map<string, SaslHost>();
  readonly #offers = new Map<string, MechanismOffer>();

  constructor(around: LoginSurroundings) {
    this.#around = around;
  }

  /** The configuration was reloaded. */
  forget(): void {
    this.#hosts.clear();
    this.#offers.clear();
  }

  offer(c2s: C2s): MechanismOffer {
    const facts = this.#around.tlsFacts.of(c2s);
    const kind =
      facts === undefined
        ? 'plain'
        : `${facts.protocol} ${facts.serverEndPoint !== undefined} ${facts.clientCertificate !== undefined}`;
    const key = `${c2s.listener.index} ${c2s.lserver} ${kind}`;
    let offer = this.#offers.get(key);
    if (offer === undefined) {
      const { config, auth } = this.#hostTypeAuth(c2s);
      offer = offeredMechanisms(
        {
          mechanisms: config.saslMechanisms,
          hashes: config.password.hash,
          methods: auth.logins(c2s.listener.authMethods).methods,
          // A listener without TLS is meant to be used without; one with TLS waits for it.
          allowsPlainWithoutTls: c2s.listener.tls === undefined,
        },
        facts,
      );
      offer = this.#around.mechanisms.extend(
        offer,
        c2s.hostType!.name,
        config.saslMechanisms,
        facts === undefined && c2s.listener.tls !== undefined,
      );
      this.#offers.set(key, offer);
    }
    return offer;
  }

  channelBindings(c2s: C2s): readonly string[] {
    return channelBindingTypes(this.#around.tlsFacts.of(c2s));
  }

  start(c2s: C2s, mechanism: string, acc?: Accumulator): SaslExchange | SaslFailure {
    if (c2s.hostType === undefined) return failure('temporary-auth-failure');
    const own = this.#around.mechanisms.get(c2s.hostType.name, mechanism);
    // What the client wrote does not become a label of a metric (threat T75).
    const isKnown = own !== undefined || MECHANISM_BY_NAME.has(mechanism);
    c2s.negotiation!.attempt = {
      mechanism: isKnown ? mechanism : UNKNOWN,
      beganMs: c2s.host.monotonicMs(),
    };
    if (own !== undefined && (!own.isListed || this.offer(c2s).mechanisms.includes(mechanism))) {
      const { methods } = this.#hostTypeAuth(c2s).auth.logins(c2s.listener.authMethods);
      const names = methods.map(({ name }) => name);
      return startModuleMechanism(own, { c2s, tls: this.#around.tlsFacts.of(c2s), acc, methods: names });
    }
    return createMechanism(mechanism, {
      host: this.#host(c2s),
      offer: this.offer(c2s),
      tls: this.#around.tlsFacts.of(c2s),
    });
  }

  ended(c2s: C2s, result: 'success' | 'failure'): void {
    const negotiation = c2s.negotiation!;
    const { mechanism = UNKNOWN, beganMs } = negotiation.attempt ?? {};
    negotiation.attempt = undefined;
    const { counts } = this.#around;
    counts.add('sasl_exchanges_total', [mechanism, result]);
    const seconds = beganMs === undefined ? 0 : (c2s.host.monotonicMs() - beganMs) / 1_000;
    counts.add('sasl_exchange_seconds_total', [mechanism, result], seconds);
  }

  mayOpenSession(c2s: C2s, jid: Jid): boolean | Promise<boolean> {
    const domain = this.#around.domain(c2s.lserver);
    if (domain === undefined) return false;
    const { access } = c2s.listener;
    if (access !== 'all' && this.#around.access(access, jid, domain) !== 'allow') return false;
    const allowed = foldHook(c2s.hostType, 'session_opening_allowed_for_user', 'allow', { jid });
    return allowed instanceof Promise ? allowed.then((value) => value === 'allow') : allowed === 'allow';
  }

  #hostTypeAuth(c2s: C2s): HostTypeAuth {
    return this.#around.hostTypeAuth(c2s.hostType!.name)!;
  }

  #host(c2s: C2s): SaslHost {
    const key = `${c2s.listener.index} ${c2s.lserver}`;
    let host = this.#hosts.get(key);
    if (host === undefined) {
      const { config, auth } = this.#hostTypeAuth(c2s);
      host = {
        domain: c2s.lserver,
        logins: auth.logins(c2s.listener.authMethods),
        decoySecret: this.#around.secret,
        iterations: config.password.scramIterations,
        hasDowngradeProtection: true,
        external: config.saslExternal,
        externalModules: (claim) => foldHook(c2s.hostType, 'sasl_external', NOBODY, claim),
      };
      this.#hosts.set(key, host);
    }
    return host;
  }
}
