import { BlockList, isIP } from 'node:net';

/** One line of `ip_access`. */
export interface IpRule {
  readonly address: string;
  readonly policy: 'allow' | 'deny';
}

interface Network {
  readonly address: string;
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** IPv4 addresses written as IPv6 ones (RFC 4291 §2.5.5.2). */
const MAPPED = /^::ffff:([0-9.]+)$/i;
const MAPPED_PREFIX = 96;

/** An address, or a network in CIDR notation; one of IPv4 addresses in either notation. Undefined when it is neither. */
export function parseNetwork(text: string): Network | undefined {
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  const version = isIP(address);
  if (version === 0) return undefined;
  const bits = version === 4 ? 32 : 128;
  const digits = slash < 0 ? String(bits) : text.slice(slash + 1);
  if (!/^[0-9]{1,3}$/.test(digits) || Number(digits) > bits) return undefined;
  const prefix = Number(digits);
  const mapped = MAPPED.exec(address)?.[1];
  if (mapped !== undefined && prefix >= MAPPED_PREFIX) {
    return { address: mapped, prefix: prefix - MAPPED_PREFIX, family: 'ipv4' };
  }
  return { address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' };
}

interface Rule {
  readonly network: BlockList;
  readonly family: Network['family'];
  readonly isAllowed: boolean;
}

/** Which addresses may register: the first rule whose network has the address decides, and where none has, it may. */
export class IpAccess {
  readonly #rules: readonly Rule[];

  constructor(rules: readonly IpRule[]) {
    this.#rules = rules.map(({ address, policy }) => {
      const { address: base, prefix, family } = parseNetwork(address)!;
      const network = new BlockList();
      network.addSubnet(base, prefix, family);
      return { network, family, isAllowed: policy === 'allow' };
    });
  }

  isAllowed(address: string): boolean {
    const plain = MAPPED.exec(address)?.[1] ?? address;
    const own = isIP(plain) === 6 ? 'ipv6' : 'ipv4';
    // A list would find IPv4 addresses in networks of IPv6, too: `::/0` is to mean those of IPv6.
    const rule = this.#rules.find(({ network, family }) => family === own && network.check(plain, family));
    return rule?.isAllowed ?? true;
  }
}
