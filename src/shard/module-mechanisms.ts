import { channelBindingData, channelBindingTypes, type TlsFacts } from '../auth/sasl/channel-binding.ts';
import type { SaslExchange } from '../auth/sasl/exchange.ts';
import { accountName } from '../auth/sasl/identity.ts';
import { MechanismOffer } from '../auth/sasl/offer.ts';
import { failure, type SaslFailure } from '../auth/sasl/result.ts';
import type { C2s } from '../c2s/c2s.ts';
import type { Accumulator } from '../hooks/accumulator.ts';
import type { MechanismLogin, ModuleMechanism } from '../hooks/login.ts';

/** The SASL mechanisms that modules bring, by host type. */
export class ModuleMechanisms {
  readonly #byHostType = new Map<string, Map<string, ModuleMechanism>>();

  /** Adds a mechanism; returns how to take it away. */
  add(hostType: string, mechanism: ModuleMechanism): () => void {
    const own = this.#byHostType.get(hostType) ?? new Map<string, ModuleMechanism>();
    this.#byHostType.set(hostType, own);
    own.set(mechanism.name, mechanism);
    return () => {
      if (own.get(mechanism.name) === mechanism) own.delete(mechanism.name);
    };
  }

  get(hostType: string, name: string): ModuleMechanism | undefined {
    return this.#byHostType.get(hostType)?.get(name);
  }

  /**
   * An offer with those of the modules that are listed and `configured` (on the wire, in order; undefined: all). They carry secrets: where plain
   * passwords wait for TLS, so do they.
   */
  extend(
    offer: MechanismOffer,
    hostType: string,
    configured: readonly string[] | undefined,
    awaitsTls: boolean,
  ): MechanismOffer {
    const own = [...(this.#byHostType.get(hostType)?.values() ?? [])]
      .filter(({ name, isListed }) => isListed && (configured?.includes(name) ?? true))
      .map(({ name }) => name);
    if (own.length === 0) return offer;
    const { mechanisms, channelBindings, needTls } = offer;
    if (awaitsTls) return new MechanismOffer(mechanisms, channelBindings, [...needTls, ...own]);
    const all = [...mechanisms, ...own];
    const place = (name: string): number => configured?.indexOf(name) ?? -1;
    if (configured !== undefined) all.sort((a, b) => place(a) - place(b));
    return new MechanismOffer(all, channelBindings, needTls);
  }
}

/** What the mechanism of a module is told about a login. */
export interface LoginFacts {
  readonly c2s: C2s;
  readonly tls: TlsFacts | undefined;
  readonly acc: Accumulator | undefined;
  /** Names of the authentication methods that count here. */
  readonly methods: readonly string[];
}

const INVALID_MECHANISM = failure('invalid-mechanism');

/** Starts a mechanism of a module. One that is not listed belongs to SASL2, where its module has announced it. */
export function startModuleMechanism(
  mechanism: ModuleMechanism,
  facts: LoginFacts,
): SaslExchange | SaslFailure {
  const { c2s, acc } = facts;
  if (!mechanism.isListed && acc === undefined) return INVALID_MECHANISM;
  return mechanism.start(loginOf(c2s, facts));
}

function loginOf(c2s: C2s, { tls, acc, methods }: LoginFacts): MechanismLogin {
  return {
    domain: c2s.lserver,
    session: c2s,
    acc,
    accountName: (authcid) => accountName(authcid, c2s.lserver),
    channelBinding: (type) =>
      channelBindingTypes(tls).some((known) => known === type) ? channelBindingData(tls, type) : undefined,
    allowsMethod: (method) => methods.includes(method),
  };
}
