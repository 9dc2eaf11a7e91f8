/**
 * The running product asked by a client that knows the API from its own description alone (schemathesis): what may be read, and
 * on an instance of its own what may be changed.
 */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawn } from "../support/processes.ts";
import { ProductProcess } from "../support/product-process.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(300_000);
const TOKEN = "correct-horse-battery";
/** Where it is; without it there is none, and the tests say that they were left out. */
const CLIENT = process.env.SCHEMATHESIS ?? Bun.which("schemathesis");
/** Streams do not end, and the page is no API. */
const LEFT_OUT = ["/api/v1/live", "/"];
const CHECKS =
  "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,unsupported_method";

const cleanups: (() => unknown)[] = [];
afterAll(async () => {
  for (const cleanup of cleanups) await cleanup();
});

/** Ready, and what it keeps is thrown away with it. @returns where its admin port is. */
async function instance(servers: number): Promise<{ readonly product: ProductProcess; readonly at: string }> {
  const urls = Array.from({ length: servers }, () => {
    const backend = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("ok") });
    cleanups.push(() => backend.stop(true));
    return `http://127.0.0.1:${backend.port}`;
  });
  const product = new ProductProcess({
    SERVERS: urls.join(","),
    APP_PORT: "0",
    ADMIN_PORT: "auto",
    ADMIN_TOKEN: TOKEN,
    WORKERS: "1",
    LB_STRATEGY: "ml",
    HISTORY: "on",
  });
  cleanups.push(() => product.end());
  await product.started();
  const at = `http://127.0.0.1:${product.said("the admin API listens")?.port}`;
  await until(async () => (await fetch(`${at}/health/ready`)).status === 200);
  return { product, at };
}

/** Lets the client loose on it; it must find nothing. @param operations of its configuration: what it cannot make up itself. */
async function drive(
  { product, at }: Awaited<ReturnType<typeof instance>>,
  options: readonly string[],
  operations: string,
): Promise<void> {
  const file = join(product.directory, "schemathesis.toml");
  writeFileSync(file, operations);
  const client = spawn({
    cmd: [
      ...[CLIENT as string, "--config-file", file, "run", `${at}/api/v1/openapi.json`, "--url", at],
      ...["--header", `Authorization: Bearer ${TOKEN}`, "--exclude-path-regex", "^/assets"],
      ...LEFT_OUT.flatMap((path) => ["--exclude-path", path]),
      ...["--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--max-examples", "15", "--seed", "1"],
      ...["--max-time", "30", "--no-color", ...options],
    ],
    cwd: product.directory,
    stdout: "pipe",
    stderr: "pipe",
  });
  const said = await new Response(client.stdout).text();
  expect({ code: await client.exited, said }).toEqual({ code: 0, said: expect.any(String) });
}

test.skipIf(CLIENT === null)("the API shows what its description says", async () => {
  await drive(await instance(1), ["--include-method", "GET"], "");
});

test.skipIf(CLIENT === null)("the API changes, or refuses to change, what its description says", async () => {
  const driven = await instance(3);
  const ask = async (path: string, init: RequestInit = {}) => {
    const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };
    return (await fetch(`${driven.at}${path}`, { ...init, headers })).json();
  };
  const servers = (await ask("/api/v1/servers")) as { id: number }[];
  const [changed, removed] = servers;
  await ask(`/api/v1/servers/${changed.id}`, { method: "PATCH", body: '{"weight": 3}' });
  const { overrides } = (await ask("/api/v1/overrides")) as { overrides: { id: string }[] };
  await drive(
    driven,
    ["--include-method-regex", "^(POST|PUT|PATCH|DELETE)$"],
    `
# It asks the machine for names that it makes up: what would be added is said, and nobody is asked.
[[operations]]
include-name = "POST /api/v1/servers"
parameters = { dry_run = "true" }

[[operations]]
include-name = "PATCH /api/v1/servers/{id}"
parameters = { id = ${changed.id} }

[[operations]]
include-name = "DELETE /api/v1/servers/{id}"
parameters = { id = ${removed.id} }

[[operations]]
include-name = "PATCH /api/v1/pools/{name}"
parameters = { name = "default" }

[[operations]]
include-name = "PATCH /api/v1/routes/{name}"
parameters = { name = "/*" }

[[operations]]
include-name = "DELETE /api/v1/overrides/{id}"
parameters = { id = "${overrides[0].id}" }

# Whether there is anything to train from, to promote or to go back to depends on the traffic.
[[operations]]
include-name = "POST /api/v1/ml/{order}"
parameters = { order = "pause" }
`,
  );
  const { entries } = (await ask("/api/v1/audit?limit=1000")) as { entries: { action: string }[] };
  const actions = new Set(entries.map(({ action }) => action));
  // The examples of the description, which come first; what the client makes up is mostly refused.
  const made = ["pool.strategy", "server.change", "server.maintenance", "settings.change"];
  expect([...actions].sort()).toEqual(expect.arrayContaining(made));
});
