/**
 * scripts/images/smoke.sh where things go wrong, against a program in the place of docker that notes what it is asked. What a real
 * engine does with real images is seen at GitHub: there is none here.
 */
import { afterAll, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { run, Scratch } from "../../../support/processes.ts";

const SCRIPT = join(import.meta.dir, "../../../../scripts/images/smoke.sh");
const scratch = new Scratch();
afterAll(() => scratch.remove());
const CALLS = scratch.file("calls");
const DOCKER = scratch.file("bin/docker");
mkdirSync(dirname(DOCKER), { recursive: true });
writeFileSync(
  DOCKER,
  `#!/bin/sh
echo "$*" >>'${CALLS}'
case $* in
  container*) grep -qe "--name $3 " '${CALLS}' ;;
  *Config.User*) echo "$IMAGE_USER" ;;
  *Config.Labels*) echo 1.2.3 ;;
  *State.Status*) echo "$CONTAINER_STATE" ;;
  logs*) echo "the last words" ;;
esac
`,
);
chmodSync(DOCKER, 0o755);

async function smoke(env: Record<string, string>, ...args: string[]) {
  rmSync(CALLS, { force: true });
  const outcome = await run([SCRIPT, ...args], {
    env: { PATH: `${dirname(DOCKER)}:${process.env.PATH}`, IMAGE_USER: "65532:65532", ...env },
  });
  return { ...outcome, calls: existsSync(CALLS) ? readFileSync(CALLS, "utf8").trimEnd().split("\n") : [] };
}

test("without three images it says how it is used", async () => {
  const { code, stderr, calls } = await smoke({}, "balancer", "backend");
  expect({ code, calls }).toEqual({ code: 2, calls: [] });
  expect(stderr).toBe("usage: scripts/images/smoke.sh BALANCER BACKEND ML [VERSION]\n");
});

test("an image that would run as root is not run", async () => {
  const { code, stderr, calls } = await smoke({ IMAGE_USER: "" }, "balancer", "backend", "ml");
  expect({ code, stderr }).toEqual({ code: 1, stderr: "backend runs as user '', not as 65532:65532\n" });
  expect(calls.filter((call) => /^(run|network create)/.test(call))).toEqual([]);
});

test("an image of another version is not run", async () => {
  const { code, stderr } = await smoke({}, "balancer", "backend", "ml", "1.2.4");
  expect({ code, stderr }).toEqual({ code: 1, stderr: "backend says that it is version '1.2.3', not '1.2.4'\n" });
});

test("one that ends is told with its logs, and nothing is left", async () => {
  const { code, stderr, calls } = await smoke(
    { CONTAINER_STATE: "exited unhealthy" },
    "balancer",
    "backend",
    "ml",
    "1.2.3",
  );
  expect(code).toBe(1);
  expect(stderr).toStartWith("backend has ended: exited unhealthy\n── logs of backend\nthe last words\n");
  const started = calls.filter((call) => call.startsWith("run ")).map((call) => /--name (\S+)/.exec(call)![1]);
  expect(started.length).toBe(2);
  for (const name of started) expect(calls).toContain(`rm --force --volumes ${name}`);
  expect(calls.at(-1)).toStartWith("network rm neurabalancer-smoke-");
  const [first] = calls.filter((call) => call.startsWith("run "));
  expect(first).toContain("--read-only --cap-drop ALL --security-opt no-new-privileges");
});
