/** Parts of packets, borrowed like the packets that they are of. */
import { expect, test } from "bun:test";
import { borrowedPacket, borrowedPart, isBorrowed, keep } from "../../../../src/proxy/sockets/receive-memory.ts";

test("a part of a borrowed packet is borrowed, whatever its size, and spoils nothing of the packet", () => {
  const packet = borrowedPacket(200_000);
  for (let i = 0; i < packet.length; i++) packet[i] = (i * 7) & 0xff;
  const before = Buffer.from(packet);
  for (const [start, end] of [
    [0, 0],
    [5, 6],
    [100, 300],
    [1000, 3048],
    [1000, 3049],
    [10, 200_000],
  ]) {
    const part = borrowedPart(packet, start, end);
    expect([part.length, isBorrowed(part)]).toEqual([end - start, true]);
    expect(part.equals(before.subarray(start, end))).toBe(true);
    const kept = keep(part);
    borrowedPart(packet, 7, 1007);
    expect([isBorrowed(kept), kept.equals(before.subarray(start, end))]).toEqual([false, true]);
  }
  expect(packet.equals(before)).toBe(true);
});

test("a part of memory that nobody uses again is a view of it", () => {
  const own = Buffer.from("0123456789");
  const part = borrowedPart(own, 2, 5);
  expect([String(part), isBorrowed(part), part.buffer === own.buffer]).toEqual(["234", false, true]);
});
