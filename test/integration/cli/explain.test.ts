import { afterAll, describe, expect, test } from "bun:test";
import { explanationText } from "../../../src/cli/explain/text.ts";
import type { ExplainedAttempt, Explanation } from "../../../src/shared/explanation/explanation.ts";
import { neurabalancerBeside } from "./spawn.ts";

const ATTEMPT: ExplainedAttempt = {
  kind: "first",
  pool: null,
  strategy: "ml",
  choice: "model",
  why: "the model expected the lowest cost of it",
  scale: { name: "model's cost", best: "lowest", unit: "" },
  held_ms: 0,
  expected_cost: null,
  request_class: null,
  sent_anyway: false,
  connect_ms: 0,
  head_ms: 8.25,
  total_ms: 9,
  status: 200,
  failure: null,
  responded: true,
  result: "answered 200 after 8.25 ms",
  ineligible_count: 1,
  ineligible_by_state: { ejected: 1 },
  server_id: 2,
  url: "http://b:1",
  at: "2026-11-25T02:50:37.988Z",
  worker: 1,
  arm: "champion",
  policy: "model",
  propensity: 0.99,
  table: { sequence: 93, model_version: 7, age_ms: 12.5 },
  outcome: { latency_ms: 8.25, failed: false },
  candidate_count: 3,
  candidates: [
    {
      server_id: 1,
      url: null,
      chosen: false,
      in_flight: 4,
      score: 31.4,
      weight: 1,
      full: false,
      parts: null,
      features: null,
    },
    {
      server_id: 2,
      url: "http://b:1",
      chosen: true,
      in_flight: 1,
      score: 12.5,
      weight: 2,
      full: false,
      parts: { expected_ms: 9, network: 0.9, cost: 8.1, crowd: 1.41, stall_and_failures: 1.09, weight: 2 },
      features: { log_load: 0.25, cpu_usage: null },
    },
  ],
  ineligible: [{ server_id: 3, url: "http://c:1", state: "ejected", why: "it was ejected" }],
};
const KNOWN: Explanation = {
  request_id: "known/1",
  began_at: "2026-11-25T02:50:37.988Z",
  duration_ms: 9.5,
  waited_ms: 2,
  worker: 1,
  route: "/*",
  pool: "default",
  method: "GET",
  path: "/item",
  client: null,
  status: 200,
  failure: null,
  proxy_status: null,
  kept_as: "usual",
  server: "http://b:1",
  server_id: 2,
  strategy: "ml",
  choice: "model",
  attempt_count: 1,
  stands_for: 1,
  summary: "It went to http://b:1.",
  wait_reason: null,
  attempts: [ATTEMPT],
  same_id: [],
  learner: null,
};

describe("an explanation for people", () => {
  const text = explanationText(KNOWN);

  test("has the choice, how it came about and what came of it", () => {
    for (const part of [
      "Request known/1",
      "http://b:1",
      "model; arm champion, which took this server with probability 0.99",
      "93 of model 7, 12.5 ms old",
      "answered 200 after 8.25 ms (on a kept connection, over after 9 ms)",
      "It went to http://b:1.",
      "of these 2 ms in the queue",
      "SCORE: model's cost; the lowest is chosen",
      "(2 of 3 candidates)",
    ]) {
      expect(text).toContain(part);
    }
  });

  test("has the candidates, the best first, with the parts of their scores", () => {
    const lines = text.split("\n");
    const at = lines.findIndex((line) => line.includes("CANDIDATE"));
    expect(lines[at + 1]).toMatch(/^> +http:\/\/b:1 +1 +2 +12\.5 +9 ms +× 0\.9 +8\.1 +× 1\.41 +× 1\.09$/);
    expect(lines[at + 2]).toMatch(/^ +server 1 \(gone\) +4 +1 +31\.4( +-)+$/);
  });

  test("has the features that are known, and who was not eligible", () => {
    expect(text).toMatch(/log_load +0\.25/);
    expect(text).not.toContain("cpu_usage");
    expect(text).toMatch(/http:\/\/c:1 +ejected +it was ejected/);
  });

  test("has the pool where there are several", () => {
    const pooled = explanationText({ ...KNOWN, attempts: [{ ...ATTEMPT, pool: "shop" }] });
    expect(pooled).toMatch(/^Pool +shop$/m);
  });

  test("says plainly what is not there", () => {
    const learned = { arm: null, policy: null, propensity: null, table: null };
    const bare = {
      ...ATTEMPT,
      ...learned,
      scale: null,
      candidates: [],
      ineligible: [],
      ineligible_by_state: { down: 1 },
    };
    const said = explanationText({ ...KNOWN, attempt_count: 3, attempts: [bare, bare], learner: "it is away" });
    for (const part of ["(2 of 3 attempts)", "(0 of 1: 1 down)", "it is away", "2 (first), at 2026"]) {
      expect(said).toContain(part);
    }
    expect(said).not.toContain("Policy");
  });
});

describe("neurabalancer explain", () => {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => {
      if (request.headers.get("authorization") !== "Bearer secret") {
        return Response.json({ code: "unauthorized", detail: "give the admin token" }, { status: 401 });
      }
      const { pathname, search } = new URL(request.url);
      return pathname === "/api/v1/explain/known%2F1" && ["", "?pool=a%20shop"].includes(search)
        ? Response.json(KNOWN)
        : new Response("<html>", { status: 404 });
    },
  });
  afterAll(() => server.stop(true));
  const admin = ["--admin", `http://127.0.0.1:${server.port}`];

  const run = (...args: string[]) => runWith({}, ...args);

  const runWith = (env: Record<string, string>, ...args: string[]) => neurabalancerBeside(["explain", ...args], env);

  test("prints what the instance says, for people and for machines", async () => {
    expect(await run("known/1", ...admin, "--token", "secret")).toEqual({
      code: 0,
      stdout: `${explanationText(KNOWN)}\n`,
      stderr: "",
    });
    const { stdout } = await run("known/1", ...admin, "--token", "secret", "--json");
    expect(JSON.parse(stdout)).toEqual(KNOWN);
    expect((await run("known/1", ...admin, "--token", "secret", "--pool", "a shop")).code).toBe(0);
  });

  test("finds the instance and the token where the settings have them; neither need be an argument", async () => {
    const where = { ADMIN_HOST: "0.0.0.0", ADMIN_PORT: String(server.port) };
    expect((await runWith({ ...where, NEURABALANCER_TOKEN: "secret" }, "known/1")).code).toBe(0);
    expect((await runWith({ ...where, ADMIN_TOKEN: "a-token-of-another" }, "known/1")).stderr).toContain(
      "give the admin",
    );
    expect((await runWith({ NEURABALANCER_TOKEN: "secret" }, "known/1", ...admin)).code).toBe(0);
    expect((await runWith({ ...where, NEURABALANCER_TOKEN: "x" }, "known/1", "--token", "secret")).code).toBe(0);
    expect((await runWith({ ADMIN_PORT: "off" }, "known/1")).stderr).toContain("name it by --admin");
    expect((await runWith({ ADMIN_PORT: "many" }, "known/1")).stderr).toContain("ADMIN_PORT");
  });

  test.each([
    [["known/1", ...admin], "asks for a token"],
    [["other", ...admin, "--token", "secret"], "without JSON"],
    [["x", "--admin", "http://127.0.0.1:1"], "no admin port answers at http://127.0.0.1:1"],
    [["x", "--admin", "http://127.0.0.1:1"], "--admin names another, see ADMIN_PORT"],
    [["x", "--admin", "nonsense"], "--admin must be a URL"],
    [[], "missing required argument"],
  ])("%p fails with a sentence", async (args, sentence) => {
    const { code, stdout, stderr } = await run(...args);
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toContain(sentence);
  });
});
