import { expect, test } from "bun:test";
import {
  Header,
  MAX_SERVERS,
  SHARED_BYTES,
  viewSharedMemory,
} from "../../../../src/shared/memory/layout/shared-memory.ts";
import { publishReadiness, readinessCode, readReadiness } from "../../../../src/shared/memory/readiness.ts";

const memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));

test("nothing counted yet is not ready; draining goes before everything", () => {
  expect(readReadiness(memory, [])).toEqual({ status: "not_ready", total: 0, healthy: 0 });
  publishReadiness(memory, { total: 3, healthy: 1 }, true);
  expect(readReadiness(memory, [])).toEqual({ status: "ready", total: 3, healthy: 1 });
  memory.header[Header.DRAINING] = 1;
  expect(readReadiness(memory, [])).toEqual({ status: "draining", total: 3, healthy: 1 });
  memory.header[Header.DRAINING] = 0;
});

test("as many servers as there can be are counted right, healthy or not", () => {
  for (const healthy of [0, 1, MAX_SERVERS]) {
    publishReadiness(memory, { total: MAX_SERVERS, healthy }, healthy > 0);
    expect(readReadiness(memory, [])).toMatchObject({ total: MAX_SERVERS, healthy });
  }
});

test("only ready is 200", () => {
  const code = (status: "ready" | "not_ready" | "draining") => readinessCode({ status, total: 1, healthy: 1 });
  expect([code("ready"), code("not_ready"), code("draining")]).toEqual([200, 503, 503]);
});
