/** Which clients may come in, by their addresses: lists of whom to let in and whom not. */
import { AddressRanges } from "./address-ranges.ts";

/** Lists of addresses and CIDR ranges, checked when the configuration was read. Whoever is on both is not let in. */
export interface AccessLists {
  /** Nobody else; `null` = everybody. */
  readonly allow: readonly string[] | null;
  readonly deny: readonly string[];
}

/** Answers that are kept, of 100 bytes: who was asked about once is asked about with each request. Then they begin anew. */
const MAX_KNOWN = 4096;

/** Lists that all have to let a client in. */
export class ClientAccess {
  readonly #lists: readonly { readonly allow: AddressRanges | null; readonly deny: AddressRanges }[];
  readonly #known = new Map<string, boolean>();

  private constructor(lists: readonly AccessLists[]) {
    this.#lists = lists.map(({ allow, deny }) => ({
      allow: allow === null ? null : new AddressRanges(allow),
      deny: new AddressRanges(deny),
    }));
  }

  /** Of lists that say something; `null` = none does, and everybody may come in. */
  static of(...lists: readonly (AccessLists | null | undefined)[]): ClientAccess | null {
    const said = lists.filter((each) => !!each && (each.allow !== null || each.deny.length > 0)) as AccessLists[];
    return said.length === 0 ? null : new ClientAccess(said);
  }

  /** May the client at `address` come in? What is no address is on no list. */
  permits(address: string): boolean {
    const known = this.#known.get(address);
    if (known !== undefined) return known;
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    const permitted = this.#lists.every(
      ({ allow, deny }) => (allow === null || allow.includes(address)) && !deny.includes(address),
    );
    this.#known.set(address, permitted);
    return permitted;
  }
}
