import { describe, expect, test } from "bun:test";
import { isUrgent, onCheck } from "../../../src/health/checked-server.ts";
import { HealthState } from "../../../src/health/health-state.ts";
import { OutlierEjection, type OutlierOptions } from "../../../src/health/outlier-ejection.ts";
import { SlowStart } from "../../../src/health/slow-start.ts";

const options: OutlierOptions = {
  enabled: true,
  consecutiveFailures: 5,
  failurePercent: 50,
  minimumVolume: 20,
  latencyFactor: 0,
  baseEjectionMs: 10_000,
  maxEjectionMs: 300_000,
  maxEjectedPercent: 50,
};

/** A server whose checks have passed. */
function proven() {
  const server = {
    health: new HealthState({ rise: 2, fall: 3 }),
    outlier: new OutlierEjection(() => 0),
    slowStart: new SlowStart(),
    consecutiveFailures: 0,
    forgotten: 0,
    forgetFailures() {
      server.forgotten++;
      server.consecutiveFailures = 0;
    },
  };
  server.health.onProbe(true);
  return server;
}

describe("an ejected server", () => {
  test("whose check fails is down, and back as soon as its checks pass", () => {
    const server = proven();
    server.outlier.eject(0, options);
    expect(onCheck(server, false, 100)).toBe("down");
    expect(onCheck(server, true, 1100)).toBe("none");
    expect(onCheck(server, true, 2100)).toBe("up");
    expect([server.outlier.ejected, server.forgotten]).toEqual([false, 1]);
    expect(server.slowStart.active(2100, 10_000)).toBe(true);
  });

  test("whose checks pass sits its time out: they do not see what is wrong with it", () => {
    const server = proven();
    server.outlier.eject(0, options);
    for (let i = 0; i < 9; i++) expect(onCheck(server, true, 1000 * i)).toBe("none");
    expect(server.outlier.ejected).toBe(true);
  });

  test("that was ejected before needs as many failed checks as any other", () => {
    const server = proven();
    for (let i = 0; i < 2; i++) {
      server.outlier.release(0);
      server.outlier.eject(0, options);
    }
    expect([1, 2, 3].map((at) => onCheck(server, false, at))).toEqual(["none", "none", "down"]);
  });
});

test("without an ejection it takes as many failed checks as are configured", () => {
  const server = proven();
  server.consecutiveFailures = 99;
  expect([1, 2, 3].map((at) => onCheck(server, false, at))).toEqual(["none", "none", "down"]);
});

test("checks are urgent in doubt and while it is out, and only then", () => {
  const server = proven();
  expect(isUrgent(server)).toBe(false);
  server.consecutiveFailures = 1;
  expect(isUrgent(server)).toBe(true);
  server.consecutiveFailures = 0;
  onCheck(server, false, 0);
  expect(isUrgent(server)).toBe(true); // wavering
  onCheck(server, false, 1);
  onCheck(server, false, 2);
  expect([server.health.up, isUrgent(server)]).toEqual([false, true]);
  onCheck(server, true, 3);
  onCheck(server, true, 4);
  expect([server.health.up, isUrgent(server)]).toEqual([true, false]);
  server.outlier.eject(5, options);
  expect(isUrgent(server)).toBe(true);
});
