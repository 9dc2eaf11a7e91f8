/** Text from outside that a command prints: a terminal must not obey it, and secrets must not be in it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { explanationText } from "../../src/cli/explain/text.ts";
import { describeModel, modelTable, verdictTable } from "../../src/cli/models/text.ts";
import { parseFleetReport } from "../../src/load/fleet-report.ts";
import type { Explanation } from "../../src/shared/explanation/explanation.ts";
import type { Model, Verdict } from "../../src/storage/learning-store.ts";
import { neurabalancer } from "../integration/cli/spawn.ts";

/** Clears the screen, sets the title, moves up, by C0 and by C1, and writes backwards. */
const HOSTILE = "\x1b[2J\x1b]0;owned\x07\u009b1A\u202e\r";
const OBEYED = /[^\n\x20-\x7e…×÷]/u;

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "neurabalancer-terminal-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function check(env: string, ...flags: string[]) {
  const file = join(directory, "hostile.env");
  writeFileSync(file, env);
  const { code, stdout, stderr } = neurabalancer(["check", "--env-file", file, ...flags], {}, directory);
  return { code, stdout, stderr };
}

describe("check", () => {
  test("values and origins in the table, a line feed in one included", () => {
    const { code, stdout, stderr } = check(`SERVERS=http://a:1\nDATA_DIR="v${HOSTILE}\\nFORGED  line"\n`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).not.toMatch(OBEYED);
    expect(stdout).toContain("v\\u001b[2J\\u001b]0;owned\\u0007\\u009b1A\\u202e\\r\\nFORGED  line");
    expect(stdout).not.toMatch(/^FORGED/m);
  });

  test("JSON keeps its meaning", () => {
    const { stdout } = check(`SERVERS=http://a:1\nDATA_DIR="v${HOSTILE}"\n`, "--json");
    expect(stdout).not.toMatch(OBEYED);
    const { settings } = JSON.parse(stdout) as { settings: { env: string; value: string }[] };
    expect(settings.find(({ env }) => env === "DATA_DIR")?.value).toBe(`v${HOSTILE}`);
  });

  test.each([
    ["a wrong value", `SERVERS=http://a:1\nAPP_PORT="${HOSTILE}"\n`],
    ["a wrong server", `SERVERS="http://${HOSTILE}:1"\n`],
    ["a name that is none", `SERVERS=http://a:1\n${HOSTILE}=1\n`],
    ["a misspelt name in a weight", `SERVERS=http://a:1\nSERVER_WEIGHT_${"b"}_1="${HOSTILE}"\n`],
    ["a strategy", `SERVERS=http://a:1\nLB_STRATEGY="${HOSTILE}"\n`],
    ["a file of a certificate", `SERVERS=http://a:1\nUPSTREAM_CA_FILE="/none/${HOSTILE}"\n`],
  ])("problems: %s", (_, env) => {
    const { code, stdout, stderr } = check(env);
    expect(code).toBe(1);
    expect(stderr).not.toMatch(OBEYED);
    expect(stdout).not.toMatch(OBEYED);
  });

  test("the line of a key that spans lines is not repeated", () => {
    const { code, stderr } = check("SERVERS=http://a:1\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC/BKcwggSj+secret==\n");
    expect(code).toBe(1);
    expect(stderr).toContain("line 2");
    expect(stderr).not.toContain("MIIE");
    expect(stderr).not.toContain("secret");
  });

  test("passwords in addresses that must have none", () => {
    const { code, stdout, stderr } = check("SERVERS=http://a:1\nREDIS_ADDR=redis://:hunter2@cache:6379\n");
    expect([code, stderr]).toEqual([1, expect.stringContaining("REDIS_ADDR=****")]);
    expect(stdout + stderr).not.toContain("hunter2");
  });
});

test("arguments that are wrong", () => {
  const { stderr } = neurabalancer(["check", `--${HOSTILE}`]);
  expect(stderr).toContain("unknown option");
  expect(stderr).not.toMatch(OBEYED);
});

const MODEL: Model = {
  pool: `pool\nFORGED ${HOSTILE}`,
  version: 3,
  status: "retired",
  origin: `from ${HOSTILE}` as Model["origin"],
  parentVersion: null,
  createdAtMs: 0,
  statusAtMs: 0,
  promotedAtMs: null,
  report: { note: HOSTILE },
} as Model;
const VERDICT = {
  pool: `pool\nFORGED ${HOSTILE}`,
  atMs: 0,
  modelVersion: 3,
  kind: "rejected",
  reason: `it is\nFORGED ${HOSTILE}`,
} as unknown as Verdict;

test("models: what training and judges wrote", () => {
  const list = modelTable([{ ...MODEL, lastVerdict: VERDICT }], 0);
  const verdicts = verdictTable([VERDICT], 0);
  for (const text of [list, verdicts]) {
    expect(text).not.toMatch(OBEYED);
    expect(text.split("\n")).toHaveLength(2);
  }
  const pooled = modelTable(
    [MODEL, { ...MODEL, pool: "other" }].map((model) => ({ ...model, lastVerdict: VERDICT })),
    0,
  );
  expect(pooled).not.toMatch(OBEYED);
  expect(pooled.split("\n")).toHaveLength(3);
  const shown = describeModel({ model: MODEL, features: [HOSTILE], verdicts: [VERDICT] }, 0);
  expect(shown).not.toMatch(/^FORGED/m);
});

test("explain: what an instance answers", () => {
  const texts = { began_at: HOSTILE, method: HOSTILE, path: HOSTILE, summary: HOSTILE, proxy_status: HOSTILE };
  const request = { ...texts, request_id: `id\n${HOSTILE}`, duration_ms: 1, waited_ms: 0, client: HOSTILE };
  const explanation = { ...request, attempts: [], same_id: [request], learner: HOSTILE } as unknown as Explanation;
  expect(explanationText(explanation)).not.toMatch(OBEYED);
});

test("demo: what the balancer says of its servers", () => {
  const [server] = parseFleetReport([
    { id: 1, url: `http://a${HOSTILE}`, alive: true, active_connections: 0, state: HOSTILE, reason: HOSTILE },
  ]);
  for (const text of [server.url, server.state, server.reason]) expect(text).not.toMatch(OBEYED);
});
