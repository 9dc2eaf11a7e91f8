/** The page's buttons reach the demo through the admin port of the instance that it started. */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DemoState } from "../../../src/shared/live/demo.ts";
import { spawn } from "../../support/processes.ts";
import { until } from "../../support/until.ts";
import { LAUNCHER } from "../cli/spawn.ts";

setDefaultTimeout(240_000);

const TMPDIR = mkdtempSync(join(tmpdir(), "neurabalancer-buttons-test-"));
const demo = spawn([LAUNCHER, "demo", "--port", "0", "--json", "--rate", "20"], {
  env: { ...process.env, TMPDIR },
  stdin: "ignore",
  stdout: "ignore",
  stderr: "pipe",
});

afterAll(async () => {
  demo.kill("SIGTERM");
  await demo.exited;
  rmSync(TMPDIR, { recursive: true, force: true });
});

async function pageUrl(): Promise<string> {
  let said = "";
  for await (const chunk of demo.stderr as ReadableStream<Uint8Array>) {
    said += new TextDecoder().decode(chunk);
    const url = /make trouble: (http:\S+)/.exec(said)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error(`the demo said only: ${said}`);
}

test("a server is slowed, frozen, killed and healed, and the rate is another", async () => {
  const url = await pageUrl();
  const state = async () => (await (await fetch(`${url}api/v1/demo`)).json()) as DemoState;
  const order = (body: object) =>
    fetch(`${url}api/v1/demo`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  const conditionOf = async (name: string) => (await state()).servers.find((server) => server.name === name)?.condition;
  expect((await state()).servers.map(({ name, condition }) => [name, condition])).toEqual([
    ["fast", "well"],
    ["medium", "well"],
    ["slow", "well"],
  ]);
  for (const [trouble, condition] of [
    ["slow", "slow"],
    ["freeze", "frozen"],
    ["heal", "well"],
    ["kill", "dead"],
  ]) {
    expect((await order({ server: "medium", trouble })).status).toBe(200);
    expect(await conditionOf("medium")).toBe(condition as "well");
  }
  expect((await order({ server: "medium", trouble: "heal" })).status).toBe(200);
  await until(async () => (await conditionOf("medium")) === "well");
  const { rates } = await state();
  await until(async () => ((await (await order({ rate: rates[2] })).json()) as DemoState).rate === rates[2]);
  const refused = await order({ rate: 1_000_000 });
  expect(refused.status).toBe(400);
  expect(((await refused.json()) as { detail: string }).detail).toBe(`the rate may be ${rates.join(", ")}`);
  expect((await order({ server: "none", trouble: "kill" })).status).toBe(400);
  expect((await fetch(url)).status).toBe(200);
});
