import { expect, test } from "bun:test";
import {
  assignMirrorRows,
  MirrorWord,
  mirrorBucket,
  mirrorFigures,
  mirrorKey,
} from "../../../../src/shared/memory/mirror-table.ts";
import { Metrics } from "../../../../src/telemetry/metrics/metrics.ts";
import { makeSource, parseExposition } from "./fixture.ts";

const P = "neurabalancer_";

test("mirrors are shown by route and pool, summed over the workers, and nobody else's figures", () => {
  const source = makeSource({ mirrors: () => [{ number: 17, route: "shop", pool: "canary" }] });
  const key = mirrorKey(17, "canary");
  for (const [worker, rows] of [
    [0, [key]],
    [1, [mirrorKey(17, "another"), key]], // where it was another pool's before
  ] as const) {
    const block = source.memory.workers[worker];
    const row = assignMirrorRows(block, rows).at(-1) ?? -1;
    const figures = mirrorFigures(block, row);
    figures[MirrorWord.COMPLETED] = 3;
    figures[MirrorWord.SKIPPED_BUSY] = 1;
    figures[MirrorWord.OTHER_STATUS] = 2;
    figures[MirrorWord.PRIMARY_LATENCY + mirrorBucket(4)]++;
    figures[MirrorWord.MIRROR_LATENCY + mirrorBucket(40_000)]++;
    figures[MirrorWord.MIRROR_LATENCY_SUM_MS] += 40_000;
  }
  mirrorFigures(source.memory.workers[1], 0)[MirrorWord.COMPLETED] = 1000;
  const { samples } = parseExposition(new Metrics(source).render());
  const of = (name: string, labels: string): number | undefined => samples.get(`${P}${name}{${labels}}`);
  expect(of("mirrored_requests_total", "pool=canary,result=completed,route=shop")).toBe(6);
  expect(of("mirrored_requests_total", "pool=canary,result=skipped_busy,route=shop")).toBe(2);
  expect(of("mirrored_requests_total", "pool=canary,result=failed,route=shop")).toBe(0);
  expect(of("mirror_statuses_total", "pool=canary,route=shop,status=different")).toBe(4);
  const bucket = (le: string, side: string) =>
    of("mirror_response_duration_seconds_bucket", `le=${le},pool=canary,route=shop,side=${side}`);
  expect([bucket("0.0025", "primary"), bucket("0.005", "primary")]).toEqual([0, 2]);
  expect([bucket("10", "mirror"), bucket("+Inf", "mirror")]).toEqual([0, 2]);
  expect(of("mirror_response_duration_seconds_sum", "pool=canary,route=shop,side=mirror")).toBe(80);
});
