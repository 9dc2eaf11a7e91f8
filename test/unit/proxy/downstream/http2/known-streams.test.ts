/** What is remembered of streams that are over. */
import { expect, test } from "bun:test";
import { KnownStreams } from "../../../../../src/proxy/downstream/http2/known-streams.ts";

test("the last 64 streams that ended are remembered, and who ended them", () => {
  const streams = new KnownStreams();
  for (let ended = 1; ended <= 300; ended++) {
    const id = 2 * ended - 1;
    streams.lastId = id;
    streams.end(id, ended % 3 === 0);
    for (let before = 0; before < 64 && before < ended; before++) {
      const other = ended - before;
      expect(streams.wasOpen(2 * other - 1)).toBe(true);
      expect(streams.wasEndedByUs(2 * other - 1)).toBe(other % 3 !== 0);
    }
    if (ended > 64) expect(streams.wasOpen(2 * (ended - 64) - 1)).toBe(false);
  }
  streams.endByReset(2 * 299 - 1);
  expect([streams.wasEndedByUs(2 * 299 - 1), streams.wasOpen(2 * 299 - 1)]).toEqual([false, true]);
  expect([streams.wasEndedByUs(601), streams.isBegun(601), streams.isBegun(599), streams.isBegun(2)]).toEqual([
    true,
    false,
    true,
    false,
  ]);
});
