/** The request path on the runtime's sockets, as with `NATIVE_SOCKETS=off` and on other systems than Linux. */
import { expect, test } from "bun:test";
import { spawn } from "../../../support/processes.ts";

const FILES = [
  "downstream/admin-relay",
  "downstream/client-end",
  "downstream/first-write",
  "exchange/bad-responses",
  "exchange/cut-responses",
  "exchange/large",
  "exchange/messages",
  "exchange/retries",
  "exchange/timeouts",
  "exchange/tunnels",
  "pick/queue",
].map((name) => `test/integration/proxy/${name}.test.ts`);

test.if(process.platform === "linux")(
  "messages, failures, time limits and tunnels are the same on the runtime's sockets",
  async () => {
    const run = spawn([process.execPath, "test", "--timeout=120000", ...FILES], {
      env: { ...process.env, TEST_RUNTIME_SOCKETS: "1" },
      stdout: "pipe",
      stderr: "pipe",
    });
    const [output, code] = await Promise.all([new Response(run.stderr).text(), run.exited]);
    if (code !== 0) throw new Error(`it ended with ${code}:\n${output.replaceAll(/^\(pass\).*\n/gm, "")}`);
    expect(output).toMatch(/ \d{2,} pass/);
  },
  600_000,
);
