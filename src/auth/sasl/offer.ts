import { hash as digestOf } from 'node:crypto';
import { HASH_FACTS, type ScramHash } from '../scram.ts';
import { MECHANISM_BY_NAME, MECHANISMS, type Mechanism, type MechanismKind } from './catalogue.ts';
import { channelBindingTypes, type TlsFacts } from './channel-binding.ts';

/** Which mechanisms a listener may offer for a host. */
export interface MechanismConfig {
  /** Names of `auth.sasl_mechanisms` as they are on the wire, in order; undefined = all. Names that this server does not have are passed over. */
  readonly mechanisms: readonly string[] | undefined;
  /** `auth.password.hash`: SCRAM is offered with these only. */
  readonly hashes: readonly ScramHash[];
  /** The methods for logins here (`auth.methods`, less what `allowed_auth_methods` of the listener excludes). */
  readonly methods: readonly { supports(kind: MechanismKind): boolean }[];
  /** Whether passwords may cross an unencrypted connection. RFC 4616 §5 and RFC 6120 §13.8.3 say that they must not. */
  readonly allowsPlainWithoutTls: boolean;
}

/** What a stream advertises: `<mechanisms/>` and `<sasl-channel-binding/>` (RFC 6120 §6.3.3, XEP-0440). */
export class MechanismOffer {
  /** In the order to advertise. */
  readonly mechanisms: readonly string[];
  /** Channel-binding types; empty unless a `-PLUS` mechanism is offered, and then the feature is not advertised. */
  readonly channelBindings: readonly string[];
  /** Whether any mechanism with channel binding is offered: then a client that says it saw none was deceived. */
  readonly hasPlus: boolean;
  /** Mechanisms held back because the connection is not encrypted. */
  readonly needTls: readonly string[];
  readonly #downgradeHashes: Map<ScramHash, string>;

  constructor(
    mechanisms: readonly string[],
    channelBindings: readonly string[],
    needTls: readonly string[] = [],
  ) {
    this.mechanisms = mechanisms;
    this.channelBindings = channelBindings;
    this.hasPlus = mechanisms.some((name) => name.endsWith('-PLUS'));
    this.needTls = needTls;
    this.#downgradeHashes = new Map();
  }

  /**
   * The hash of both lists in base64, for the attribute `h` of a server-first-message (XEP-0474 §5.1, version 0.5): the sorted
   * mechanisms joined by U+001E and, if channel-binding types are advertised, U+001F and those in the same manner.
   */
  downgradeHash(hash: ScramHash): string {
    let text = this.#downgradeHashes.get(hash);
    if (text === undefined) {
      const lists = [joinSorted(this.mechanisms)];
      if (this.channelBindings.length > 0) lists.push(joinSorted(this.channelBindings));
      text = digestOf(HASH_FACTS[hash].digest, lists.join('\x1f'), 'base64');
      this.#downgradeHashes.set(hash, text);
    }
    return text;
  }
}

/** Names are ASCII, for which the default order of JavaScript is the collation `i;octet`. */
function joinSorted(names: readonly string[]): string {
  return names.toSorted().join('\x1e');
}

/**
 * What to offer on a connection; `tls` is undefined without TLS. The result depends on the configuration and on which facts are present, not on
 * their values: a listener needs to make only a few of them.
 */
export function offeredMechanisms(config: MechanismConfig, tls: TlsFacts | undefined): MechanismOffer {
  const bindings = channelBindingTypes(tls);
  const offered: string[] = [];
  const needTls: string[] = [];
  for (const mechanism of configured(config)) {
    if (mechanism.isPlus && bindings.length === 0) continue;
    // RFC 6120 §6.3.4: there is something to go by only where TLS has verified a certificate of the client.
    if (mechanism.kind === 'external' && tls?.clientCertificate === undefined) continue;
    const isHeldBack = mechanism.kind === 'plain' && tls === undefined && !config.allowsPlainWithoutTls;
    (isHeldBack ? needTls : offered).push(mechanism.name);
  }
  const hasPlus = offered.some((name) => name.endsWith('-PLUS'));
  return new MechanismOffer(offered, hasPlus ? bindings : [], needTls);
}

/** The mechanisms that configuration and methods allow, each once, in order. */
function configured(config: MechanismConfig): Set<Mechanism> {
  const mechanisms = new Set<Mechanism>();
  const names = config.mechanisms ?? MECHANISMS.map((mechanism) => mechanism.name);
  for (const name of names) {
    const mechanism = MECHANISM_BY_NAME.get(name);
    if (mechanism === undefined) continue;
    if (mechanism.hash !== undefined && !config.hashes.includes(mechanism.hash)) continue;
    if (config.methods.some((method) => method.supports(mechanism.kind))) mechanisms.add(mechanism);
  }
  return mechanisms;
}
