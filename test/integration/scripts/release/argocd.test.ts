/** scripts/release/argocd.sh against a program in the place of argocd that notes what it is asked, and can fail. */
import { afterAll, expect, test } from "bun:test";
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run, Scratch } from "../../../support/processes.ts";

const SCRIPT = join(import.meta.dir, "../../../../scripts/release/argocd.sh");
const scratch = new Scratch();
afterAll(() => scratch.remove());
const CALLS = scratch.file("calls");
const PROGRAM = scratch.file("argocd");
writeFileSync(PROGRAM, `#!/bin/sh\necho "$*" >>'${CALLS}'\n[ "$2" != "$FAILS_AT" ]\n`);
chmodSync(PROGRAM, 0o755);
const BOTH = { ARGOCD_SERVER: "argocd.example.test", ARGOCD_AUTH_TOKEN: "a-token" };

async function deploy(env: Record<string, string>, ...args: string[]) {
  rmSync(CALLS, { force: true });
  const outcome = await run([SCRIPT, ...args], { env: { ARGOCD: PROGRAM, ...env } });
  return { ...outcome, calls: existsSync(CALLS) ? readFileSync(CALLS, "utf8").trimEnd().split("\n") : [] };
}

test("sets the version, synchronises, and waits until it is healthy", async () => {
  const { code, text, calls } = await deploy(BOTH, "0.2.0");
  expect(calls).toEqual([
    "app set neurabalancer --revision 0.2.0",
    "app sync neurabalancer --timeout 900",
    "app wait neurabalancer --sync --health --operation --timeout 900",
  ]);
  expect(text).toContain("neurabalancer is at 0.2.0, in sync and healthy");
  expect(code).toBe(0);
});

test.each(["set", "sync", "wait"])("fails when it fails to %s, and shows what Argo CD says", async (step) => {
  const { code, text, stderr, calls } = await deploy({ ...BOTH, FAILS_AT: step, ARGOCD_APPLICATION: "edge" }, "0.2.0");
  expect(calls.at(-2)).toStartWith(`app ${step} edge`);
  expect(calls.at(-1)).toBe("app get edge");
  expect(stderr).toContain("edge at 0.2.0 did not become healthy");
  expect(text).not.toContain("Deployed");
  expect(code).not.toBe(0);
});

test("without a server and a token it says so, and nothing is asked", async () => {
  const { code, text, calls } = await deploy({}, "0.2.0");
  expect({ code, calls }).toEqual({ code: 0, calls: [] });
  expect(text).toStartWith("::notice title=Not deployed::ARGOCD_SERVER and ARGOCD_AUTH_TOKEN are not set");
});

test.each([
  ["ARGOCD_AUTH_TOKEN", { ARGOCD_SERVER: "argocd.example.test" }],
  ["ARGOCD_SERVER", { ARGOCD_AUTH_TOKEN: "a-token" }],
])("without %s alone it is a mistake", async (missing, env) => {
  const { code, stderr, calls } = await deploy(env, "0.2.0");
  expect({ code, calls }).toEqual({ code: 1, calls: [] });
  expect(stderr).toBe(`${missing} is not set, and the other one is: set both to deploy, or neither\n`);
});

test.each([[[]], [[""]], [["0.2.0", "0.3.0"]]])("arguments %j are wrong usage", async (args) => {
  const { code, stderr } = await deploy(BOTH, ...args);
  expect({ code, stderr }).toEqual({ code: 2, stderr: "usage: scripts/release/argocd.sh VERSION\n" });
});
