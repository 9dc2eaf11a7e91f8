/** Damaged headers of the PROXY protocol: whatever comes in whatever pieces, there is one reading of it. */
import { expect, test } from "bun:test";
import { isIP } from "node:net";
import { MAX_HEADER_BYTES, readProxyHeader } from "../../src/shared/proxy-protocol/reader.ts";
import { proxyHeader } from "../../src/shared/proxy-protocol/writer.ts";
import { mutate, seededRandom } from "./mutate.ts";

const SEEDS: readonly Uint8Array[] = (["v1", "v2"] as const).flatMap((version) =>
  ["203.0.113.7", "2001:db8::7", ""].map((source) => proxyHeader(version, source, "10.0.0.1", 443)),
);

test("50,000 damaged headers break no invariant of the reader", () => {
  const random = seededRandom(20_261_130);
  const kinds = { header: 0, malformed: 0, incomplete: 0 };
  const pool = [...SEEDS, Buffer.concat([SEEDS[3], Buffer.from("0400030000002000050100000000", "hex")])];
  for (let round = 0; round < 50_000; round++) {
    const input = mutate(pool[random(pool.length)], pool[random(pool.length)], random, 2 * MAX_HEADER_BYTES);
    const reading = readProxyHeader(input);
    kinds[reading.kind]++;
    if (reading.kind !== "header") {
      // What is refused stays refused, and what is waited for can still come to something.
      const more = Buffer.concat([input, Buffer.alloc(MAX_HEADER_BYTES, "x")]);
      if (reading.kind === "malformed") expect(readProxyHeader(more).kind).toBe("malformed");
      else expect(readProxyHeader(more).kind).not.toBe("incomplete");
      continue;
    }
    const { length, address } = reading;
    expect(length).toBeGreaterThan(0);
    expect(length).toBeLessThanOrEqual(Math.min(input.length, MAX_HEADER_BYTES));
    expect(address === "" || isIP(address) !== 0).toBe(true);
    expect(address).not.toMatch(/^::ffff:/i);
    // Nothing behind it is looked at, and nothing of it can be missing.
    expect(readProxyHeader(input.subarray(0, length))).toEqual(reading);
    expect(readProxyHeader(input.subarray(0, length - 1)).kind).toBe("incomplete");
  }
  expect(kinds.header).toBeGreaterThan(2000);
  expect(kinds.malformed).toBeGreaterThan(2000);
  expect(kinds.incomplete).toBeGreaterThan(100);
});
