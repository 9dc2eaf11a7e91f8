/** Which peers' forwarding fields are believed (`TRUSTED_PROXIES`), and whose address a request really comes from. */
import { AddressRanges } from "../../shared/addresses/address-ranges.ts";

/** The addresses of the proxies. */
export class TrustedProxies extends AddressRanges {
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
