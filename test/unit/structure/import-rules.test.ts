import { describe, expect, test } from "bun:test";
import { IMPORT_RULES, importOffences, importsOf } from "./import-rules.ts";
import { readSources, sourceOf } from "./source-tokens.ts";

const SOURCES = readSources("src");

/** Code that breaks a rule, by the rule's folder. */
const OFFENDERS: Readonly<Record<string, readonly string[]>> = {
  "src/balancing/": [
    'import { readFileSync } from "node:fs";',
    'import { SlowStart } from "../health/slow-start.ts";',
    'import type { Config } from "../config/schema.ts";',
    "export const now = () => process.hrtime();",
    "setTimeout(() => {}, 1);",
  ],
  "src/proxy/http2/": ['import { connect } from "bun";', 'export * from "../exchange.ts";', "console.log(1);"],
  "src/proxy/http1/": ['import { connect } from "bun";', 'export * from "../exchange.ts";', "console.log(1);"],
  "src/proxy/route/": [
    'import { readFileSync } from "node:fs";',
    'import "../rewrite/request.ts";',
    "process.exit(1);",
  ],
  "src/proxy/path/": [
    'import { readFileSync } from "node:fs";',
    'import { RouteTable } from "../route/route-table.ts";',
    "process.exit(1);",
  ],
  "src/proxy/upstream/": ['import type { Socket } from "bun";', "export const listen = Bun.listen;"],
  "src/proxy/listen/": ['import { createServer } from "node:tls";', "export const listen = Bun.listen;"],
  "src/proxy/": [
    'import { Fleet } from "../control/fleet.ts";',
    'import type { Store } from "../storage/store.ts";',
    'import "../learning/model.ts";',
    'const health = await import("../health/slow-start.ts");',
  ],
  "src/shared/": ['import { Picker } from "../proxy/pick.ts";', 'import pino from "pino";'],
  "src/protocol/": ['import type { Config } from "../config/schema.ts";', "process.send({});"],
  "src/health/": ['import { Fleet } from "../control/fleet.ts";'],
  "src/control/": ['import { ProxyServer } from "../proxy/server.ts";', 'import "../learning/explain.ts";'],
  "src/control/admin/": ['import { listenersOn } from "../supervisor/port-listeners.ts";'],
  "src/control/fleet/": [
    'import type { AdminApi } from "../admin/api.ts";',
    'import type { Workers } from "../processes/workers.ts";',
    'import type { SupervisorView } from "../supervisor/status.ts";',
  ],
  "src/control/discovery/": ['import type { FleetLogger } from "../fleet/options.ts";'],
  "src/control/processes/": ['import type { Fleet } from "../fleet/fleet.ts";'],
  "src/telemetry/": ['import { Fleet } from "../control/fleet.ts";'],
  "src/learning/": [
    'import { startModelServer } from "../model-server/server.ts";',
    'import { Learner } from "../control/learner.ts";',
    'import { fineTune } from "../training/fine-tune.ts";',
  ],
  "src/recorder/": [
    'import { HistoryWriter } from "../proxy/record/history-writer.ts";',
    'import { Recorder } from "../control/processes/recorder.ts";',
    'import { connect } from "node:net";',
  ],
  "src/tracer/": [
    'import { TraceWriter } from "../proxy/record/trace-writer.ts";',
    'import { Tracer } from "../control/processes/tracer/tracer.ts";',
    'import { connect } from "node:net";',
  ],
  "src/acme/": [
    'import { Acme } from "../control/processes/acme/acme.ts";',
    'import { pick } from "../proxy/pick/picker.ts";',
    'import { load } from "../config/load.ts";',
    'import yaml from "yaml";',
  ],
  "src/tracer/encode/": ['import { Exporter } from "../export/exporter.ts";', "await fetch(place);"],
  "src/replay/": ['import { serve } from "../cli/serve.ts";'],
  "src/replay/fit/": ['import { readFileSync } from "node:fs";', "console.log(1);"],
  "src/replay/simulate/": ['import { openHistoryReader } from "../../storage/open-store.ts";'],
  "src/replay/check/": ['import { readStore } from "../../storage/sqlite/sqlite.ts";', "process.exit(1);"],
  "src/replay/reading/": ['import { replay } from "../replay.ts";', 'import "../../storage/open-store.ts";'],
  "src/replay/report/": ['import { writeFileSync } from "node:fs";', "process.exit(1);"],
  "src/simulator/": [
    'import { trainNetwork } from "../training/trainer.ts";',
    'import { openLearningStore } from "../storage/open-store.ts";',
  ],
  "src/training/": [
    'import { Ml } from "../proxy/pick.ts";',
    'import { Learner } from "../control/learner.ts";',
    'import { registerTrain } from "../cli/train.ts";',
  ],
  "src/load/": ['import { Fleet } from "../control/fleet.ts";', 'import { ON_PURPOSE } from "../backend/server.ts";'],
  "src/model-server/": ['import { Fleet } from "../control/fleet.ts";'],
  "src/learning/features/": [
    'import { SHIPPED_MODEL_DIRECTORY } from "../models/shipped-model.ts";',
    'import type { PublishedTable } from "../serving/table-history.ts";',
    "console.log(1);",
  ],
  "src/learning/models/": [
    'import { FleetFeatures } from "../features/fleet-features.ts";',
    'import type { PublishedTable } from "../serving/table-history.ts";',
    'import type { TrainingInputs } from "../judge/guardrail/drift.ts";',
  ],
  "src/learning/serving/": [
    'import { JUDGE_DEFAULTS } from "../judge/options.ts";',
    'import { ModelShelf } from "../online/model-shelf.ts";',
  ],
  "src/learning/cluster/model/": ['import { Judging } from "../../online/judging/judging.ts";'],
  "src/learning/online/": ['import { runLearner } from "../learner-process.ts";'],
  "src/cluster/": ['import { Cluster } from "../control/cluster/cluster.ts";'],
  "src/cluster/exchange/": ['import { openRedis } from "../redis/link.ts";', "const client = new Bun.RedisClient();"],
  "src/evidence/": ['import type { JudgeOptions } from "../learning/judge/options.ts";'],
  "src/learning/judge/trials/": [
    'import type { Verdict } from "../verdict.ts";',
    'import type { Guardrail } from "../guardrail/guardrail.ts";',
  ],
  "src/learning/judge/guardrail/": ['import { Lifecycle } from "../lifecycle/lifecycle.ts";'],
  "src/learning/judge/lifecycle/": ['import type { GuardrailState } from "../guardrail/guardrail.ts";'],
  "src/learning/judge/": [
    'import type { LearningStore } from "../../storage/learning-store.ts";',
    'import { CONTRACT_FEATURES } from "../features/feature-names.ts";',
    'import { INPUT_LIMIT } from "../models/network.ts";',
    "console.log(1);",
  ],
  "src/storage/": [
    'import type { Network } from "../learning/network.ts";',
    'import { Fleet } from "../control/fleet.ts";',
    'import type { Config } from "../config/schema.ts";',
    'import pino from "pino";',
  ],
  "src/history/": [
    'import { openHistoryReader } from "../storage/open-store.ts";',
    'import type { Config } from "../config/config.ts";',
    "console.log(1);",
  ],
  "src/storage/buffered/": [
    'import { Database } from "bun:sqlite";',
    'import { statSync } from "node:fs";',
    'import { SQLITE } from "../sqlite/sqlite.ts";',
    'import { backendFor } from "../backends.ts";',
  ],
  "src/": ['import { harness } from "../test/support/proxy-harness.ts";'],
};

describe("imports", () => {
  for (const rule of IMPORT_RULES) {
    test(rule.title, () => {
      expect(importOffences(rule, SOURCES)).toEqual([]);
    });

    test.each([...OFFENDERS[rule.folder]])(`${rule.folder} may not say: %s`, (text) => {
      expect(importOffences(rule, [sourceOf(`${rule.folder}fixture.ts`, text)])).toHaveLength(1);
    });
  }

  test("of all kinds are found, and none in comments and strings", () => {
    const text = [
      'import type { A } from "./a.ts";',
      'import "./b.ts";',
      'export { c } from "../c.ts";',
      "const d = await import(`./d.ts`);",
      '// import "./no.ts";',
      "const no = 'import \"./no.ts\"';",
      'const at = { from: "nowhere" };',
    ].join("\n");
    expect(importsOf(sourceOf("src/x/y.ts", text)).map(({ line, file }) => `${line} ${file}`)).toEqual([
      "1 src/x/a.ts",
      "2 src/x/b.ts",
      "3 src/c.ts",
      "4 src/x/d.ts",
    ]);
  });

  test("the rules are about folders that exist", () => {
    for (const { folder } of IMPORT_RULES) {
      expect(
        SOURCES.some(({ path }) => path.startsWith(folder)),
        folder,
      ).toBe(true);
    }
    expect(SOURCES.length).toBeGreaterThan(100);
  });
});
