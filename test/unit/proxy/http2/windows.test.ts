import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ReceiveWindow, SendWindow } from "../../../../src/proxy/http2/windows.ts";

describe("what we may send", () => {
  test("becomes less by sending and more by updates, and may be below zero", () => {
    const window = new SendWindow(100);
    window.take(70);
    expect(window.available).toBe(30);
    expect(window.add(-50)).toBe(true);
    expect(window.available).toBe(-20);
    expect(window.add(25)).toBe(true);
    expect(window.available).toBe(5);
  });

  test("is never more than 2^31 - 1", () => {
    const window = new SendWindow(1);
    expect(window.add(0x7fff_fffe)).toBe(true);
    expect(window.add(1)).toBe(false);
  });
});

describe("what the peer may send", () => {
  test("more than it was given is refused", () => {
    const window = new ReceiveWindow(100);
    expect(window.receive(100)).toBe(true);
    expect(window.receive(0)).toBe(true);
    expect(window.receive(1)).toBe(false);
  });

  test("the peer is told by halves of the window", () => {
    const window = new ReceiveWindow(100);
    window.receive(60);
    expect([window.giveBack(49), window.held]).toEqual([0, 11]);
    expect([window.giveBack(1), window.held]).toEqual([50, 10]);
    expect(window.receive(90)).toBe(true);
    expect(window.receive(1)).toBe(false);
  });

  test("a peer that may send all of its window never waits for good, and never holds more", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(100), { maxLength: 200 }), (steps) => {
        const window = new ReceiveWindow(100);
        let allowed = 100;
        let held = 0;
        for (const step of steps) {
          const sent = Math.min(step, allowed);
          allowed -= sent;
          held += sent;
          expect(window.receive(sent)).toBe(true);
          expect(held).toBeLessThanOrEqual(100);
          const done = Math.min(held, step);
          held -= done;
          allowed += window.giveBack(done);
          expect(window.held).toBe(held);
          if (held === 0) expect(allowed).toBeGreaterThan(50);
        }
      }),
    );
  });
});
