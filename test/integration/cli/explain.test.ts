import { afterAll, describe, expect, test } from "bun:test";
import { explanationText } from "../../../src/cli/explain/text.ts";
import type { LearnedAttempt, LearnedExplanation } from "../../../src/shared/explanation/learned.ts";
import { spawn } from "../../support/processes.ts";
import { LAUNCHER } from "./spawn.ts";

const ATTEMPT: LearnedAttempt = {
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
    { server_id: 1, url: null, chosen: false, in_flight: 4, score: 31.4, parts: null, features: null },
    {
      server_id: 2,
      url: "http://b:1",
      chosen: true,
      in_flight: 1,
      score: 12.5,
      parts: { expected_ms: 9, network: 0.9, cost: 8.1, crowd: 1.41, stall_and_failures: 1.09, weight: 2 },
      features: { log_load: 0.25, cpu_usage: null },
    },
  ],
  ineligible: [{ server_id: 3, url: "http://c:1", state: "ejected", why: "it was ejected" }],
};
const KNOWN: LearnedExplanation = { request_id: "known/1", attempts: [ATTEMPT] };

describe("an explanation for people", () => {
  const text = explanationText(KNOWN);

  test("has the choice, how it came about and what came of it", () => {
    for (const part of [
      "Request known/1",
      "http://b:1",
      "by the model's table; arm champion, which took this server with probability 0.99",
      "93 of model 7, 12.5 ms old",
      "answered after 8.25 ms",
      "(2 of 3 candidates)",
    ]) {
      expect(text).toContain(part);
    }
  });

  test("has the candidates, the best first, with the parts of their scores", () => {
    const lines = text.split("\n");
    const at = lines.findIndex((line) => line.includes("CANDIDATE"));
    expect(lines[at + 1]).toMatch(/^> +http:\/\/b:1 +1 +12\.5 +9 ms +× 0\.9 +8\.1 +× 1\.41 +× 1\.09 +÷ 2$/);
    expect(lines[at + 2]).toMatch(/^ +server 1 \(gone\) +4 +31\.4( +-)+$/);
  });

  test("has the features that are known, and who was not eligible", () => {
    expect(text).toMatch(/log_load +0\.25/);
    expect(text).not.toContain("cpu_usage");
    expect(text).toMatch(/http:\/\/c:1 +ejected +it was ejected/);
  });

  test("has the pool where there are several", () => {
    expect(text).not.toContain("Pool");
    const pooled = explanationText({ request_id: "x", attempts: [{ ...ATTEMPT, pool: "shop" }] });
    expect(pooled).toMatch(/^Pool +shop$/m);
  });

  test("says plainly what is not there", () => {
    const bare = { ...ATTEMPT, policy: "estimator", table: null, outcome: null, candidates: [], ineligible: [] };
    const said = explanationText({
      request_id: "x",
      attempts: [bare, { ...bare, outcome: { latency_ms: 3, failed: true } }],
    });
    for (const part of ["by the estimator", "none: it is under way", "failed after 3 ms", "2, at 2026"]) {
      expect(said).toContain(part);
    }
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

  async function runWith(
    env: Record<string, string>,
    ...args: string[]
  ): Promise<{ code: number; stdout: string; stderr: string }> {
    const child = spawn([LAUNCHER, "explain", ...args], {
      env: { PATH: process.env.PATH, ...env },
      stdout: "pipe",
      stderr: "pipe",
    });
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    return { code: await child.exited, stdout, stderr };
  }

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
    [["known/1", ...admin], "give the admin token"],
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
