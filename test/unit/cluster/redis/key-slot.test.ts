/** Slots of keys, as the specification of Redis Cluster has them. */
import { describe, expect, test } from "bun:test";
import { keySlot } from "../../../../src/cluster/redis/key-slot.ts";

describe("keySlot", () => {
  test("is the checksum of the specification", () => {
    expect(keySlot("123456789")).toBe(0x31c3);
    expect(keySlot("foo")).toBe(12182);
    expect(keySlot("")).toBe(0);
  });

  test("is that of the part in braces, if there is something in it", () => {
    expect(keySlot("neurabalancer:1:{default}:members")).toBe(keySlot("default"));
    expect(keySlot("a{foo}{bar}")).toBe(12182);
    expect(keySlot("a{{foo}b")).toBe(keySlot("{foo"));
    expect(keySlot("a{}{foo}")).not.toBe(keySlot("foo"));
    expect(keySlot("a{foo")).not.toBe(keySlot("foo"));
  });
});
