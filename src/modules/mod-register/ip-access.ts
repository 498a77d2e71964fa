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

/** An address, or a network in CIDR notation. Undefined when it is neither. */
export function parseNetwork(text: string): Network | undefined {
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  const version = isIP(address);
  if (version === 0) return undefined;
  const bits = version === 4 ? 32 : 128;
  const digits = slash < 0 ? String(bits) : text.slice(slash + 1);
  if (!/^[0-9]{1,3}$/.test(digits) || Number(digits) > bits) return undefined;
  return { address, prefix: Number(digits), family: version === 4 ? 'ipv4' : 'ipv6' };
}

/** Which addresses may register: the first rule whose network has the address decides, and where none has, it may. */
export class IpAccess {
  readonly #rules: readonly { readonly network: BlockList; readonly isAllowed: boolean }[];

  constructor(rules: readonly IpRule[]) {
    this.#rules = rules.map(({ address, policy }) => {
      const { address: base, prefix, family } = parseNetwork(address)!;
      const network = new BlockList();
      network.addSubnet(base, prefix, family);
      return { network, isAllowed: policy === 'allow' };
    });
  }

  isAllowed(address: string): boolean {
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    // An IPv4 address that comes as an IPv6 one is found in IPv4 networks, too.
    const rule = this.#rules.find(({ network }) => network.check(address, family));
    return rule?.isAllowed ?? true;
  }
}
