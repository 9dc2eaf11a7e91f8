/** The page's files come from a process of its own, which may fail, hang or say nonsense. */
import { expect, test } from "bun:test";
import { PageFiles } from "../../../../src/control/dashboard/page-files.ts";

const silent = { info: () => {}, warn: () => {}, error: () => {} };

function make(script: string, waitMs = 20_000, timeLimitMs = 20_000) {
  let nowMs = 0;
  const command = ["/bin/sh", "-c", script];
  const files = new PageFiles({ command, log: silent, nowMs: () => nowMs, waitMs, timeLimitMs });
  return { files, pass: (ms: number) => (nowMs += ms) };
}

const FILE = JSON.stringify({ path: "/", type: "text/html", body: btoa("hello"), gzip: "", hash: "h" });

test("what was bundled is kept; what is not there is not", async () => {
  const { files } = make(`echo '{"files":[${FILE}]}'`);
  expect(await files.get("/")).toMatchObject({ type: "text/html", hash: "h" });
  expect(await files.get("/assets/x.js")).toBe("none");
});

test("a page that cannot be made says why", async () => {
  expect(await make(`echo '{"problem":"no such module"}'`).files.get("/")).toEqual({ problem: "no such module" });
  const ended = (await make("exit 3").files.get("/")) as { problem: string };
  expect(ended.problem).toContain("ended with 3");
  const late = (await make("exec sleep 600", 20_000, 1).files.get("/")) as { problem: string };
  expect(late.problem).toContain("took longer");
  expect(await make("echo nonsense").files.get("/")).toHaveProperty("problem");
});

test("who asks while it is being made is told to come again, and it ends with the instance", async () => {
  const { files } = make("exec sleep 600", 1);
  expect(await files.get("/")).toBe("later");
  files.stop();
  expect(await files.get("/")).toBe("later");
});
