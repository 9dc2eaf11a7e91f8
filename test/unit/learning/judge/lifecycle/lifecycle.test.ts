import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../../../../src/balancing/random.ts";
import { initialState, Judge, type JudgeState } from "../../../../../src/learning/judge/judge.ts";
import { CommandError } from "../../../../../src/learning/judge/lifecycle/command-error.ts";
import type { AttemptRecord } from "../../../../../src/learning/judge/record.ts";
import type { Verdict } from "../../../../../src/learning/judge/verdict.ts";
import { Rung } from "../../../../../src/shared/memory/layout/learning.ts";
import { CALM, MINUTE, NAIVE, PERFECT, runFleet, SECOND } from "../traffic.ts";

const MODELS = { 1: NAIVE, 2: PERFECT, 3: PERFECT };

function kindsAt(judge: Judge, nowMs: number): string[] {
  return judge.tick(nowMs, CALM).map(({ kind, modelVersion }) => `${kind} ${modelVersion}`);
}

describe("commands", () => {
  test("promote: any model, at once; it is watched with the one before it as hold-back", () => {
    const judge = new Judge(initialState(1), 0);
    judge.promote(2, 1000);
    expect(judge.directive).toEqual({
      rung: Rung.MODEL,
      championVersion: 2,
      canaryVersion: 1,
      canaryShare: 0.2,
      controlShare: 0.1,
    });
    expect(kindsAt(judge, 2000)).toEqual(["promoted 2"]);
    expect(judge.status).toEqual({ candidate: null, previous: 1, watching: true, paused: false });
  });

  test("promote while the estimator serves brings the model back, with the control arm as yardstick", () => {
    const judge = new Judge(initialState(1), 0);
    judge.tick(1000, { ...CALM, modelFaults: 1 });
    expect(judge.directive.rung).toBe(Rung.ESTIMATOR);
    judge.promote(2, 2000);
    expect(judge.directive).toMatchObject({ rung: Rung.MODEL, canaryVersion: null, controlShare: expect.closeTo(0.3) });
    expect(kindsAt(judge, 3000)).toEqual(["promoted 2", "recovered 2"]);
  });

  test("rollback", () => {
    const judge = new Judge(initialState(1), 0);
    judge.promote(2, 1000);
    judge.rollback(2000);
    expect(judge.directive).toMatchObject({ championVersion: 1, canaryVersion: null, canaryShare: 0 });
    expect(kindsAt(judge, 3000)).toEqual(["promoted 2", "rolled_back 2"]);
    expect(() => judge.rollback(4000)).toThrow(
      new CommandError("there is no champion before this one to roll back to"),
    );
  });

  test("one candidate at a time; reject", () => {
    const judge = new Judge(initialState(1), 0);
    expect(() => judge.propose(1, 0, "trained")).toThrow("model 1 is the champion already");
    expect(() => judge.reject(2, 0)).toThrow("model 2 is not the candidate; there is no candidate");
    judge.propose(2, 0, "trained");
    expect(judge.shadowVersion).toBe(2);
    expect(() => judge.propose(3, 0, "trained")).toThrow("model 2 is the candidate");
    expect(() => judge.reject(3, 0)).toThrow("model 3 is not the candidate; model 2 is");
    judge.reject(2, 500);
    expect(kindsAt(judge, 1000)).toEqual(["candidate 2", "rejected 2"]);
    expect(judge.shadowVersion).toBeNull();
  });

  test("pause holds the candidate where it is, resume lets it go on; protection is never paused", () => {
    const judge = new Judge(initialState(1), 0);
    expect(() => judge.resume(0)).toThrow("not paused");
    judge.propose(2, 0, "trained");
    judge.pause(0);
    expect(() => judge.pause(0)).toThrow("paused already");
    const world = { requestsPerSecond: 200, seed: 1, untilMs: 4 * MINUTE };
    const kinds = runFleet(judge, world, { 1: PERFECT, 2: PERFECT }).map(({ kind }) => kind);
    expect(kinds).toEqual(["candidate", "paused"]);
    judge.tick(4 * MINUTE + 1000, { ...CALM, tableAgeMs: 5000 });
    expect(judge.directive.rung).toBe(Rung.ESTIMATOR);
    judge.resume(4 * MINUTE + 2000);
    expect(kindsAt(judge, 4 * MINUTE + 3000)[0]).toBe("resumed null");
  });

  test("pause takes the canary's share away", () => {
    const judge = new Judge({ ...initialState(1), lifecycle: inCanary() }, 0);
    expect(kindsAt(judge, 1000)).toEqual(["canary_started 2"]);
    expect(judge.directive).toMatchObject({ canaryVersion: 2, canaryShare: 0.2 });
    judge.pause(2000);
    expect(judge.directive).toMatchObject({ canaryVersion: null, canaryShare: 0 });
    judge.resume(3000);
    expect(kindsAt(judge, 4000)).toEqual(["paused null", "resumed null", "canary_started 2"]);
  });
});

describe("what a cluster of instances decides", () => {
  test("a model of another instance is promoted and watched like any, with who promoted it as the reason", () => {
    const judge = new Judge(initialState(1), 0);
    judge.promote(2, 1000, "revision 7 of the cluster");
    expect(judge.directive).toMatchObject({ championVersion: 2, canaryVersion: 1, canaryShare: 0.2 });
    expect(judge.tick(2000, CALM)[0]).toMatchObject({ kind: "promoted", reason: "revision 7 of the cluster" });
  });

  test("back to a model because the present one was bad elsewhere: that one gets no share, and is not gone back to", () => {
    const judge = new Judge(initialState(1), 0);
    judge.promote(2, 1000);
    judge.returnTo(3, 2000, "2 of 3 instances stepped down from it");
    expect(judge.directive).toMatchObject({ championVersion: 3, canaryVersion: null, canaryShare: 0 });
    expect(judge.status).toMatchObject({ previous: null, watching: false });
    const [, verdict] = judge.tick(3000, CALM);
    expect(verdict).toMatchObject({ kind: "rolled_back", modelVersion: 2 });
    expect(verdict.reason).toBe("2 of 3 instances stepped down from it; model 3 serves again");
    expect(() => judge.returnTo(3, 4000, "again")).toThrow("model 3 is the champion already");
  });

  test("while another instance trains no candidate moves on, without a verdict; the watch and the guardrail go on", () => {
    const judge = new Judge({ ...initialState(1), lifecycle: inCanary() }, 0);
    expect(kindsAt(judge, 1000)).toEqual(["canary_started 2"]);
    judge.hold(true, 2000);
    expect(judge.directive).toMatchObject({ canaryVersion: null, canaryShare: 0 });
    const held = runFleet(judge, { requestsPerSecond: 50, seed: 4, untilMs: 10 * MINUTE }, MODELS);
    expect(held.map(({ kind }) => kind)).not.toContain("promoted");
    expect(judge.status.candidate).toEqual({ version: 2, stage: "canary" });
    judge.hold(false, 10 * MINUTE);
    expect(kindsAt(judge, 10 * MINUTE + SECOND)).toEqual(["canary_started 2"]);
    expect(judge.tick(10 * MINUTE + 2 * SECOND, { ...CALM, modelFaults: 1 })[0]).toMatchObject({ kind: "demoted" });
  });
});

function inCanary(): JudgeState["lifecycle"] {
  return { ...initialState(1).lifecycle, candidate: { version: 2, stage: "canary" } };
}

describe("the canary arm", () => {
  test("a canary whose scores are no numbers is rejected at the next tick", () => {
    const judge = new Judge({ ...initialState(1), lifecycle: inCanary() }, 0);
    judge.tick(1000, CALM);
    const [verdict] = judge.tick(2000, { ...CALM, canaryFaults: 2 });
    expect(verdict).toMatchObject({
      kind: "rejected",
      modelVersion: 2,
      reason: "it gave 2 scores that are no numbers",
    });
    expect(judge.directive.canaryVersion).toBeNull();
  });

  test("on the floor nobody has it", () => {
    const judge = new Judge({ ...initialState(1), lifecycle: inCanary() }, 0);
    judge.tick(1000, CALM);
    judge.tick(2000, { ...CALM, remoteUnavailable: true });
    expect(judge.directive).toMatchObject({ rung: Rung.FLOOR, canaryVersion: null, canaryShare: 0, controlShare: 0 });
  });

  test("on probation the champion has it", () => {
    const judge = new Judge(initialState(1), 0);
    judge.tick(1000, { ...CALM, modelFaults: 1 });
    judge.tick(11_000, CALM);
    expect(judge.directive).toMatchObject({ rung: Rung.ESTIMATOR, canaryVersion: 1, canaryShare: 0.1 });
  });

  test("a candidate waits for the watch over the last one to end", () => {
    const judge = new Judge({ ...initialState(1), lifecycle: inCanary() }, 0);
    judge.promote(3, 500);
    expect(judge.directive.canaryVersion).toBe(1);
    const verdicts = runFleet(
      judge,
      { requestsPerSecond: 50, seed: 4, untilMs: 6 * MINUTE },
      { ...MODELS, 1: PERFECT },
    );
    expect(verdicts.map(({ kind, modelVersion }) => `${kind} ${modelVersion}`).slice(0, 3)).toEqual([
      "promoted 3",
      "watch_passed 3",
      "canary_started 2",
    ]);
  });
});

test("what an older directive or another model routed is left out, probes too", () => {
  const judge = new Judge(initialState(1), 0);
  const record: AttemptRecord = {
    arm: "champion",
    modelVersion: 1,
    slot: 0,
    latencyMs: 20,
    failed: false,
    inFlight: 0,
    dispatchedMs: 600,
    endedMs: 620,
    propensity: 1,
    meanMs: 20,
    candidates: [0],
    candidatesInFlight: [0],
  };
  judge.tick(0, CALM);
  const verdicts: Verdict[] = [];
  for (let nowMs = SECOND; verdicts.length === 0; nowMs += SECOND) {
    for (let i = 0; i < 20; i++) {
      const now = { ...record, dispatchedMs: nowMs - 400, latencyMs: 40 + i };
      judge.observe(now);
      judge.observe({ ...now, dispatchedMs: 499, latencyMs: 20 });
      judge.observe({ ...now, modelVersion: 9, latencyMs: 20 });
      judge.observe({ ...now, arm: "probe", latencyMs: 20 });
      judge.observe({ ...now, arm: "control", modelVersion: null, latencyMs: 10 + i });
    }
    verdicts.push(...judge.tick(nowMs, CALM));
  }
  const [{ kind, numbers }] = verdicts;
  expect(kind).toBe("demoted");
  expect(numbers.outcomes).toBe(numbers.referenceOutcomes);
  expect(numbers.cost).toBeCloseTo(49.5 / 20, 12);
  expect(numbers.referenceCost).toBeCloseTo(19.5 / 20, 12);
});

describe("the state survives a restart as JSON", () => {
  const again = (judge: Judge, nowMs: number) => new Judge(JSON.parse(JSON.stringify(judge.state(nowMs))), 1e9);

  test("a candidate in shadow or canary goes on from there", () => {
    const judge = new Judge(initialState(1), 0);
    judge.propose(2, 0, "trained");
    expect(again(judge, 1000).shadowVersion).toBe(2);
    const canary = again(new Judge({ ...initialState(1), lifecycle: inCanary() }, 0), 1000);
    expect(canary.shadowVersion).toBeNull();
    canary.tick(1e9, CALM);
    expect(canary.directive.canaryVersion).toBe(2);
  });

  test("a watch lasts as long as it had left, with the same hold-back", () => {
    const judge = new Judge(initialState(1), 0);
    judge.promote(2, 0);
    const restored = again(judge, 2 * MINUTE);
    expect(restored.directive).toEqual(judge.directive);
    expect(restored.state(1e9).lifecycle.watch).toMatchObject({ leftMs: 3 * MINUTE, holdBack: 1 });
    restored.rollback(1e9);
    expect(restored.directive.championVersion).toBe(1);
  });

  test("rung, pause and champion too", () => {
    const judge = new Judge(initialState(1), 0);
    judge.pause(0);
    judge.tick(SECOND, { ...CALM, drift: { passed: false, reason: "x", numbers: {} } });
    const restored = again(judge, SECOND);
    expect(restored.directive).toEqual(judge.directive);
    expect(restored.status.paused).toBe(true);
  });
});

test("without any model the estimator serves and nothing is on probation", () => {
  const judge = new Judge(initialState(null), 0);
  const world = { requestsPerSecond: 20, seed: 1, untilMs: 2 * MINUTE, signs: () => ({ modelReady: false }) };
  expect(runFleet(judge, world, MODELS)).toEqual([]);
  expect(judge.directive).toMatchObject({ rung: Rung.ESTIMATOR, championVersion: null, canaryVersion: null });
});

describe("a champion that was found worse than the estimator", () => {
  const record = (arm: AttemptRecord["arm"], modelVersion: number | null, latencyMs: number, nowMs: number) =>
    ({ arm, modelVersion, latencyMs, failed: false, meanMs: 100, dispatchedMs: nowMs, propensity: 1 }) as AttemptRecord;

  test("is replaced by a candidate that keeps up with the estimator; one demoted for a fault is not", () => {
    for (const worse of [true, false]) {
      const state: JudgeState = initialState(1);
      const candidate = { version: 2, stage: "canary" } as const;
      const judge = new Judge({ ...state, lifecycle: { ...state.lifecycle, candidate, paused: false } }, 0);
      const random = seededRandom(1);
      const kinds: string[] = [];
      for (let nowMs = SECOND; nowMs < 10 * MINUTE && !kinds.includes("promoted 2"); nowMs += SECOND) {
        const { rung, canaryVersion } = judge.directive;
        const onModel = rung === Rung.MODEL;
        for (let i = 0; i < 200; i++) {
          const ms = 60 + 80 * random.next();
          if (i < 150) judge.observe(record("champion", onModel ? 1 : null, onModel && worse ? 4 * ms : ms, nowMs));
          else if (i < 160) judge.observe(record("control", null, ms, nowMs));
          else judge.observe(record("canary", canaryVersion, canaryVersion === 1 && worse ? 4 * ms : ms, nowMs));
        }
        const modelFaults = !worse && nowMs < 30 * SECOND ? 1 : 0;
        kinds.push(
          ...judge.tick(nowMs, { ...CALM, modelFaults }).map(({ kind, modelVersion }) => `${kind} ${modelVersion}`),
        );
      }
      expect(kinds).toContain("demoted 1");
      expect([worse, kinds.includes("promoted 2")]).toEqual([worse, worse]);
    }
  });
});
