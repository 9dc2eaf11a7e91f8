import { describe, expect, test } from "bun:test";
import { failed } from "../../../../../src/learning/judge/finding.ts";
import { Guardrail, type GuardrailEvent } from "../../../../../src/learning/judge/guardrail/guardrail.ts";
import type { GuardrailSigns } from "../../../../../src/learning/judge/guardrail/signs.ts";
import { JUDGE_DEFAULTS } from "../../../../../src/learning/judge/options.ts";
import { Rung } from "../../../../../src/shared/memory/layout/learning.ts";

const { comparison, guardrail: OPTIONS } = JUDGE_DEFAULTS;
const FINE: GuardrailSigns = Object.freeze({
  modelReady: true,
  tableAgeMs: 20,
  remoteUnavailable: false,
  modelFaults: 0,
  drift: undefined,
  canaryBusy: false,
});
const DRIFTED = failed("inputs have drifted: cpu_usage is 9.0 σ off", { shift_cpu_usage: 9 });

/** Ticks once a second under `signs`, with even traffic of the costs given. */
class Bench {
  readonly guardrail = new Guardrail(OPTIONS, comparison, 0, { rung: Rung.MODEL, holdLeftMs: 0, strikes: 0 });
  readonly events: GuardrailEvent[] = [];
  nowMs = 0;
  settles = false;

  run(seconds: number, signs: Partial<GuardrailSigns> = {}, cost = { champion: 1, control: 1, model: 1 }): this {
    for (let i = 0; i < seconds; i++) {
      for (let n = 0; n < 40; n++) {
        const x = 0.5 + (n % 5) / 4; // mean 1, and some variation
        for (let m = 0; m < 4; m++) this.guardrail.observeChampion(cost.champion * x);
        this.guardrail.observeControl(cost.control * x);
        if (this.guardrail.probationShare > 0) this.guardrail.observeProbation(cost.model * x);
      }
      this.nowMs += 1000;
      const event = this.guardrail.tick(this.nowMs, { ...FINE, ...signs }, () => this.settles);
      if (event !== undefined) this.events.push(event);
    }
    return this;
  }

  get kinds(): string[] {
    return this.events.map(({ kind }) => kind);
  }
}

describe("signs of trouble take the model out at the next tick, with a reason", () => {
  test.each<[string, Partial<GuardrailSigns>, string]>([
    ["stale table", { tableAgeMs: 1500 }, "1500 ms old"],
    ["table of unknown age", { tableAgeMs: Number.NaN }, "NaN ms old"],
    ["scores that are no numbers", { modelFaults: 3 }, "3 scores"],
    ["drift", { drift: DRIFTED }, "cpu_usage"],
    ["no model", { modelReady: false }, "no model"],
  ])("%s", (_, signs, words) => {
    const bench = new Bench().run(3).run(1, signs);
    expect(bench.events).toHaveLength(1);
    expect(bench.events[0]).toMatchObject({ atMs: 4000, kind: "demoted", from: Rung.MODEL, to: Rung.ESTIMATOR });
    expect(bench.events[0].reason).toContain(words);
    expect(bench.run(60, signs).events).toHaveLength(1); // it stays down while the trouble lasts
  });

  test("a remote model that is unavailable means the floor, from any rung", () => {
    const bench = new Bench().run(1, { remoteUnavailable: true });
    expect(bench.events[0]).toMatchObject({ kind: "demoted", from: Rung.MODEL, to: Rung.FLOOR });
    bench.run(60, { remoteUnavailable: true });
    expect(bench.guardrail.rung).toBe(Rung.FLOOR);
    expect(new Bench().run(1, { modelFaults: 1 }).run(1, { remoteUnavailable: true }).guardrail.rung).toBe(Rung.FLOOR);
  });
});

describe("it comes back by itself", () => {
  test("hold, probation, return", () => {
    const bench = new Bench().run(1, { modelFaults: 1 }).run(60);
    expect(bench.kinds).toEqual(["demoted", "probation_started", "recovered"]);
    const [demoted, started, recovered] = bench.events.map(({ atMs }) => atMs);
    expect(started - demoted).toBe(OPTIONS.holdMs);
    expect(recovered - started).toBeGreaterThanOrEqual(OPTIONS.probationMs);
    expect(bench.guardrail.rung).toBe(Rung.MODEL);
  });

  test("from the floor over the estimator", () => {
    const bench = new Bench().run(1, { remoteUnavailable: true }).run(90);
    expect(bench.events.map(({ to }) => to)).toEqual([Rung.FLOOR, Rung.ESTIMATOR, Rung.ESTIMATOR, Rung.MODEL]);
  });

  describe("a model server that was away", () => {
    const HERE = { remote: true };
    const AWAY = { remote: true, remoteUnavailable: true, modelProblem: "http://m gave no answer" };
    const SILENT = { remote: true, tableAgeMs: 1500 };

    test.each([
      ["its circuit was open", AWAY],
      ["its tables were stale", SILENT],
    ])("routes again as soon as it is there again: %s", (_, signs) => {
      const bench = new Bench().run(5, HERE).run(60, signs).run(3, HERE);
      expect(bench.events.map(({ kind, to }) => [kind, to])).toEqual([
        ["demoted", Rung.FLOOR],
        ["recovered", Rung.MODEL],
      ]);
      expect(bench.events[1].reason).toBe("the remote model answers again");
    });

    test("is said to be away for the reason that it is", () => {
      const [demoted] = new Bench().run(1, AWAY).events;
      expect(demoted.reason).toBe("the remote model is unavailable: http://m gave no answer");
    });

    test("is no strike, however often", () => {
      const bench = new Bench();
      for (let i = 0; i < 10; i++) bench.run(3, HERE).run(2, AWAY);
      bench.run(3, HERE);
      expect(bench.guardrail.rung).toBe(Rung.MODEL);
      expect(bench.guardrail.state(bench.nowMs)).toEqual({ rung: Rung.MODEL, holdLeftMs: 0, strikes: 0 });
    });

    test("also over a restart of the learner", () => {
      const bench = new Bench().run(5, HERE).run(5, AWAY);
      const state = bench.guardrail.state(bench.nowMs);
      expect(state).toMatchObject({ rung: Rung.FLOOR, away: true });
      const again = new Guardrail(OPTIONS, comparison, 0, state);
      again.tick(1000, { ...FINE, ...HERE }, () => false);
      again.tick(2000, { ...FINE, ...HERE }, () => false);
      expect(again.rung).toBe(Rung.MODEL);
    });

    test("comes back no sooner than usual when its outcomes had spoken against it", () => {
      const bench = new Bench().run(5, HERE);
      bench.events.push(bench.guardrail.demote(bench.nowMs, failed("worse")));
      bench.run(1, AWAY).run(5, HERE);
      expect(bench.guardrail.rung).toBe(Rung.FLOOR);
    });
  });

  test("a model that is still bad fails its probation, and holds double up to the longest", () => {
    const bad = { champion: 1, control: 1, model: 1.5 };
    const bench = new Bench().run(1, { modelFaults: 1 }).run(4000, {}, bad);
    expect(new Set(bench.kinds)).toEqual(new Set(["demoted", "probation_started", "probation_failed"]));
    const holds = bench.events.flatMap(({ numbers }) => numbers.holdMs ?? []);
    expect(holds.slice(0, 4)).toEqual([10_000, 20_000, 40_000, 80_000]);
    expect(Math.max(...holds)).toBe(OPTIONS.longestHoldMs);
    expect(bench.guardrail.rung).toBe(Rung.ESTIMATOR);
  });

  test("trouble during probation ends it", () => {
    const bench = new Bench().run(1, { modelFaults: 1 }).run(12).run(1, { drift: DRIFTED });
    expect(bench.kinds).toEqual(["demoted", "probation_started", "probation_failed"]);
    expect(bench.guardrail.probationShare).toBe(0);
  });

  test("a long good time forgives", () => {
    const bench = new Bench().run(1, { modelFaults: 1 }).run(100).run(1, { modelFaults: 1 }).run(100);
    expect(bench.events.filter(({ kind }) => kind === "demoted").map(({ numbers }) => numbers.holdMs)).toEqual([
      10_000, 20_000,
    ]);
    bench.run(OPTIONS.forgiveMs / 1000).run(1, { modelFaults: 1 });
    expect(bench.events.at(-1)?.numbers.holdMs).toBe(10_000);
  });

  test("while a candidate has the canary arm there is no probation", () => {
    const bench = new Bench().run(1, { modelFaults: 1 }).run(60, { canaryBusy: true });
    expect(bench.kinds).toEqual(["demoted"]);
    expect(bench.run(1).kinds).toEqual(["demoted", "probation_started"]);
  });
});

describe("worse than the policy below", () => {
  const worse = { champion: 1.4, control: 1, model: 1 };

  test("one rung down within seconds, with figures", () => {
    const bench = new Bench().run(60).run(20, {}, worse);
    expect(bench.events[0]).toMatchObject({ kind: "demoted", from: Rung.MODEL, to: Rung.ESTIMATOR });
    expect(bench.events[0].atMs).toBeLessThan(75_000);
    expect(bench.events[0].reason).toMatch(
      /worse than the estimator: evidence \d+, 86400 is enough; in the last 15 s cost 1\.\d\d against 1\.00/,
    );
    expect(bench.events[0].numbers.relative).toBeGreaterThan(0.03);
  });

  test("the estimator too, down to the floor", () => {
    const bench = new Bench().run(1, { modelFaults: 1 }).run(30, { canaryBusy: true }, worse);
    expect(bench.events.at(-1)).toMatchObject({ kind: "demoted", from: Rung.ESTIMATOR, to: Rung.FLOOR });
  });

  test("what is better, or worse within tolerance, stays", () => {
    expect(new Bench().run(600, {}, { champion: 0.7, control: 1, model: 1 }).events).toEqual([]);
    expect(new Bench().run(600, {}, { champion: 1.02, control: 1, model: 1 }).events).toEqual([]);
  });

  test("if somebody else settles it, the rung stays and the evidence begins anew", () => {
    const bench = new Bench();
    bench.settles = true;
    bench.run(60, {}, worse);
    expect(bench.events).toEqual([]);
    expect(bench.guardrail.rung).toBe(Rung.MODEL);
    bench.settles = false;
    expect(bench.run(20, {}, worse).events[0]).toMatchObject({ kind: "demoted", to: Rung.ESTIMATOR });
  });
});

test("the state survives a restart", () => {
  const bench = new Bench().run(1, { modelFaults: 1 }).run(4);
  const state = JSON.parse(JSON.stringify(bench.guardrail.state(bench.nowMs)));
  expect(state).toEqual({ rung: Rung.ESTIMATOR, holdLeftMs: 6000, strikes: 1 });
  const again = new Guardrail(OPTIONS, comparison, 1e6, state);
  expect(again.rung).toBe(Rung.ESTIMATOR);
  expect(again.tick(1e6 + 5000, FINE, () => false)).toBeUndefined();
  expect(again.tick(1e6 + 6000, FINE, () => false)?.kind).toBe("probation_started");
});
