/**
 * Runs in a network namespace of its own, in which nothing but this process answers: a name server that knows no name and
 * notes each that is asked for. Arguments: what to run (`control` or `product`), a directory for what it needs. Says one
 * line of JSON for each event: `{"used":"…"}` when a process has used its model, `{"asked":"…"}` for a look-up. Ends with its
 * standard input.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { spawn } from "../../support/processes.ts";

const [what, directory] = process.argv.slice(2);
const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const FIXTURE = join(ROOT, "test/fixtures/pytorch-model");
const LAUNCHER = join(ROOT, "bin/neurabalancer");
const HOME = process.env.HOME ?? "";
const say = (event: object) => process.stdout.write(`${JSON.stringify(event)}\n`);
const children: Bun.Subprocess[] = [];

await Bun.udpSocket({
  hostname: "127.0.0.1",
  port: 53,
  socket: { data: (_socket, query) => void say({ asked: nameIn(query) }) },
});

/** The name that a query is about: labels, each behind its length (RFC 1035 section 4.1.2). */
function nameIn(query: Buffer): string {
  const labels: string[] = [];
  for (let at = 12; query[at] > 0; at += query[at] + 1)
    labels.push(query.toString("latin1", at + 1, at + 1 + query[at]));
  return labels.join(".");
}

function run(command: string[], env: Record<string, string> = {}): Bun.Subprocess {
  const child = spawn(command, {
    cwd: directory,
    env: { PATH: process.env.PATH, HOME, ...env },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "inherit",
  });
  children.push(child);
  return child;
}

async function until(condition: () => Promise<unknown>): Promise<void> {
  while (!(await condition().catch(() => false))) await Bun.sleep(50);
}

/** Nothing else listens here: ports can be chosen. */
async function product(): Promise<void> {
  const serve = run([LAUNCHER, "serve"], {
    LB_STRATEGY: "ml",
    MODEL_PATH: FIXTURE,
    SERVERS: "http://127.0.0.1:9001,http://127.0.0.1:9002",
    APP_PORT: "8080",
    ADMIN_PORT: "8090",
    DATA_DIR: directory,
    WORKERS: "1",
  });
  const modelServer = run([LAUNCHER, "model-server"], {
    MODEL_PATH: FIXTURE,
    ML_SERVICE_HOST: "127.0.0.1",
    ML_SERVICE_PORT: "8081",
  });
  const short: Record<string, string[]> = {
    demo: [LAUNCHER, "demo", "--seconds", "3", "--strategy", "ml", "--port", "0", "--json", "--rate", "50"],
    simulate: [LAUNCHER, "simulate", "--policies", "ml", "--scenario", "all", "--requests", "500", "--seeds", "1"],
    check: [LAUNCHER, "check"],
    // As unit tests do it.
    "in-process": [
      process.execPath,
      "--no-env-file",
      "-e",
      `const { OnnxModel } = await import(${JSON.stringify(join(ROOT, "src/learning/models/files/onnx/model.ts"))});
       const model = await OnnxModel.load(${JSON.stringify(FIXTURE)});
       await model.predict(new Float64Array(6), 1);
       await new Promise((resolve) => setTimeout(resolve, 600_000));`,
    ],
  };
  const posts = { method: "POST", body: JSON.stringify({ servers: [{ cpu_usage: 10 }] }) };
  const ends = async (name: string) => {
    await run(
      short[name],
      name === "check" ? { MODEL_PATH: FIXTURE, LB_STRATEGY: "ml", SERVERS: "http://127.0.0.1:9001" } : {},
    ).exited;
    say({ used: name });
  };
  run(short["in-process"]);
  // In several threads; it takes longer than anybody waits here.
  const training = run([
    LAUNCHER,
    "train",
    "--from",
    "simulation",
    "--out",
    join(directory, "trained"),
    "--threads",
    "2",
  ]);
  await Promise.all([
    until(async () => (await fetch("http://127.0.0.1:8081/predict", posts)).ok).then(() =>
      say({ used: "model-server" }),
    ),
    until(async () => {
      const view = (await (await fetch("http://127.0.0.1:8090/api/v1/ml")).json()) as { rung: string };
      return view.rung === "model";
    }).then(() => say({ used: "serve" })),
    (async () => {
      for (const name of ["check", "simulate", "demo"]) await ends(name);
    })(),
  ]);
  for (const child of [serve, modelServer, training]) if (child.exitCode !== null) say({ ended: child.exitCode });
}

/** What it would do if nobody had told it not to. */
async function control(): Promise<void> {
  const runtime = Bun.resolveSync("onnxruntime-node", ROOT);
  run([
    process.execPath,
    "--no-env-file",
    "-e",
    `const { InferenceSession } = require(${JSON.stringify(runtime)});
     await InferenceSession.create(require("node:fs").readFileSync(${JSON.stringify(join(FIXTURE, "load_balancer.onnx"))}));
     await new Promise((resolve) => setTimeout(resolve, 600_000));`,
  ]);
  say({ used: "control" });
}

process.stdin.on("end", () => {
  for (const child of children) child.kill("SIGKILL");
  process.exit(0);
});
process.stdin.resume();
await (what === "control" ? control() : product());
say({ used: "all" });
