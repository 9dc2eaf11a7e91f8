import { expect, test } from "bun:test";
import { seededRandom } from "../../../../src/balancing/random.ts";
import { completeTraffic } from "../../../../src/replay/fit/traffic.ts";
import type { Recording } from "../../../../src/replay/recording.ts";

/** Two seconds of 40 requests each, of which four a second were kept; a server has three of four, then one of four. */
function sampled(): Recording {
  const server = [0, 0, 0, 1, 1, 1, 1, 0];
  const n = server.length;
  return {
    source: "test",
    startMs: 0,
    durationMs: 3000,
    strategy: null,
    servers: ["a", "b"].map((name) => ({ name, weight: 1, capacity: 0 })),
    classes: ["default"],
    requests: {
      atMs: Float64Array.from({ length: n }, (_, i) => i * 250),
      class: new Int16Array(n),
      server: Int16Array.from(server),
      latencyMs: new Float32Array(n).fill(5),
      waitMs: new Float32Array(n),
      failed: new Uint8Array(n),
      weight: new Float32Array(n).fill(10),
      inFlight: new Int16Array(n),
    },
    arrivals: Float64Array.of(40, 40, 4),
    absences: [],
  };
}

test("those that were not kept went where those went that stand for them, second by second", () => {
  const { traffic } = completeTraffic(sampled(), new Float64Array(8).fill(5), seededRandom(1).next);
  const counts = [0, 1, 2].map((second) => {
    const places = [...traffic.server].filter((_, i) => Math.floor(traffic.atMs[i] / 1000) === second);
    return [places.filter((place) => place === 0).length, places.filter((place) => place === 1).length];
  });
  expect(counts).toEqual([
    [30, 10],
    [10, 30],
    [2, 2], // of a second of which none was kept: as in all of it
  ]);
});
