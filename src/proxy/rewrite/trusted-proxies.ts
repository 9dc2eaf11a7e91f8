/** Which peers' forwarding fields are believed (`TRUSTED_PROXIES`), and whose address a request really comes from. */
import ipaddr from "ipaddr.js";

type Range = ReturnType<typeof ipaddr.parseCIDR>;

export class TrustedProxies {
  readonly #ranges: readonly Range[];

  /** @param cidrs addresses or CIDR ranges, checked when the configuration was read. */
  constructor(cidrs: readonly string[]) {
    this.#ranges = cidrs.map((text) => {
      if (text.includes("/")) return ipaddr.parseCIDR(text);
      const address = ipaddr.parse(text);
      return [address, address.kind() === "ipv4" ? 32 : 128] as Range;
    });
  }

  includes(address: string): boolean {
    if (this.#ranges.length === 0 || !ipaddr.isValid(address)) return false;
    const parsed = ipaddr.process(address); // an IPv4-mapped IPv6 address counts as IPv4
    for (const [network, bits] of this.#ranges) {
      if (network.kind() === parsed.kind() && parsed.match(network, bits)) return true;
    }
    return false;
  }

  /**
   * The client's address behind a trusted peer: the nearest of these addresses (the nearest first) that is not itself
   * trusted, or the farthest that is known.
   */
  clientAddress(peer: string, addresses: Iterable<string>): string {
    let client = peer;
    for (const address of addresses) {
      client = address;
      if (!this.includes(address)) break;
    }
    return client;
  }
}
