/** The running product asked by a client that knows the API from its own description alone (schemathesis), reading only. */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { spawn } from "../support/processes.ts";
import { ProductProcess } from "../support/product-process.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(240_000);
const TOKEN = "correct-horse-battery";
/** Where it is; without it there is none, and the test says that it was left out. */
const CLIENT = process.env.SCHEMATHESIS ?? Bun.which("schemathesis");
/** Streams do not end, and the page is no API. */
const LEFT_OUT = ["/api/v1/live", "/"];
const CHECKS =
  "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,unsupported_method";

const cleanups: (() => unknown)[] = [];
afterAll(async () => {
  for (const cleanup of cleanups) await cleanup();
});

test.skipIf(CLIENT === null)("the API answers as its description says", async () => {
  const backend = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("ok") });
  cleanups.push(() => backend.stop(true));
  const product = new ProductProcess({
    SERVERS: `http://127.0.0.1:${backend.port}`,
    APP_PORT: "0",
    ADMIN_PORT: "auto",
    ADMIN_TOKEN: TOKEN,
    WORKERS: "1",
  });
  cleanups.push(() => product.end());
  await product.started();
  const port = product.said("the admin API listens")?.port;
  const at = `http://127.0.0.1:${port}`;
  await until(async () => (await fetch(`${at}/health/ready`)).status === 200);
  const client = spawn({
    cmd: [
      CLIENT as string,
      ...["run", `${at}/api/v1/openapi.json`, "--url", at, "--header", `Authorization: Bearer ${TOKEN}`],
      ...["--include-method", "GET", "--exclude-path-regex", "^/assets"],
      ...LEFT_OUT.flatMap((path) => ["--exclude-path", path]),
      ...["--checks", CHECKS, "--phases", "coverage,fuzzing", "--max-examples", "15", "--seed", "1"],
      ...["--max-time", "30", "--no-color"],
    ],
    cwd: product.directory,
    stdout: "pipe",
    stderr: "pipe",
  });
  const said = await new Response(client.stdout).text();
  expect({ code: await client.exited, said }).toEqual({ code: 0, said: expect.any(String) });
});
