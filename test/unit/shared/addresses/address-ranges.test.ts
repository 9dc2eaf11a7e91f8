/** Sets of addresses: against a plain look at every range, and lists made of them. */
import { describe, expect, test } from "bun:test";
import ipaddr from "ipaddr.js";
import { AddressRanges } from "../../../../src/shared/addresses/address-ranges.ts";
import { ClientAccess } from "../../../../src/shared/addresses/client-access.ts";
import { seededRandom } from "../../../fuzz/mutate.ts";

const random = seededRandom(11);
const upTo = (most: number): number => random(most + 1);
/** Few different parts, so that ranges lie inside each other and beside each other. */
const ipv4 = (): string => [10, upTo(1), upTo(3), upTo(255)].join(".");
const ipv6 = (): string => `fd00:0:0:${upTo(3).toString(16)}::${upTo(65_535).toString(16)}`;

function plainly(cidrs: readonly string[], address: string): boolean {
  const parsed = ipaddr.process(address);
  return cidrs.some((cidr) => {
    const [network, bits] = ipaddr.parseCIDR(cidr);
    return network.kind() === parsed.kind() && parsed.match(network, bits);
  });
}

describe("ranges of addresses", () => {
  test("hold what a look at each of them says", () => {
    for (let round = 0; round < 200; round++) {
      const cidrs = Array.from({ length: upTo(12) }, () =>
        random(5) < 3 ? `${ipv4()}/${upTo(32)}` : `${ipv6()}/${upTo(128)}`,
      );
      const ranges = new AddressRanges(cidrs);
      for (let asked = 0; asked < 40; asked++) {
        const address = random(5) < 3 ? ipv4() : ipv6();
        expect([cidrs, address, ranges.includes(address)]).toEqual([cidrs, address, plainly(cidrs, address)]);
      }
    }
  });

  test.each([
    [["0.0.0.0/0"], "255.255.255.255", true],
    [["0.0.0.0/0"], "::1", false],
    [["::/0"], "10.0.0.1", false],
    [["::/0"], "ffff::", true],
    [["192.0.2.7"], "::ffff:192.0.2.7", true],
    [["192.0.2.7"], "::ffff:c000:207", true],
    [["::ffff:192.0.2.0/120"], "192.0.2.9", true],
    [["::ffff:192.0.2.0/120"], "192.0.3.9", false],
    [["2001:db8::/33"], "2001:db8:7fff::1", true],
    [["2001:db8::/33"], "2001:db8:8000::1", false],
    [["10.0.0.0/8"], "", false],
    [["10.0.0.0/8"], "10.0.0", false],
    [[], "10.0.0.1", false],
  ] as const)("%j and %p: %p", (cidrs, address, expected) => {
    expect(new AddressRanges(cidrs).includes(address)).toBe(expected);
  });

  test("of a hundred thousand, each and nothing else is found", () => {
    const cidrs = Array.from({ length: 100_000 }, (_, i) => `${10 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}.0/25`);
    const ranges = new AddressRanges(cidrs);
    for (const i of [0, 1, 65_535, 65_536, 99_999]) {
      const network = cidrs[i].slice(0, -"0/25".length);
      expect([ranges.includes(`${network}127`), ranges.includes(`${network}128`)]).toEqual([true, false]);
    }
  });
});

describe("lists of clients", () => {
  const lists = (allow: readonly string[] | null, ...deny: string[]) => ({ allow, deny });

  test("that say nothing are none", () => {
    expect(ClientAccess.of(lists(null), null, undefined, lists(null))).toBeNull();
  });

  test("whoever is on both, or not on each list to allow, is not let in", () => {
    const access = ClientAccess.of(
      lists(["10.0.0.0/8"], "10.9.0.0/16"),
      lists(null, "10.8.0.0/16"),
      lists(["0.0.0.0/0"]),
    );
    const asked = ["10.1.1.1", "10.9.1.1", "10.8.1.1", "192.0.2.1", "::1", "", "::ffff:10.1.1.1"];
    // Asked twice: the second time the answer is known.
    for (const _ of [1, 2]) {
      expect(asked.filter((address) => access?.permits(address))).toEqual(["10.1.1.1", "::ffff:10.1.1.1"]);
    }
  });

  test("an empty list to allow lets nobody in; what is no address is on no list", () => {
    expect(ClientAccess.of(lists([]))?.permits("10.0.0.1")).toBe(false);
    expect(ClientAccess.of(lists(null, "0.0.0.0/0", "::/0"))?.permits("")).toBe(true);
  });

  test("answers that are kept have a bound", () => {
    const access = ClientAccess.of(lists(null, "10.0.0.0/8"));
    for (let i = 0; i < 10_000; i++) expect(access?.permits(`192.168.${i >> 8}.${i & 255}`)).toBe(true);
    expect(access?.permits("10.1.2.3")).toBe(false);
  });
});
