/**
 * scripts/deploy_model.sh against a running model server and a running balancer: a model that is good serves, one that is not
 * is refused before anything changes or taken back, and the former one answers all the while.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeModelFiles } from "../../../src/learning/models/files/model-files.ts";
import { changedOnnx } from "../../support/model-graphs.ts";
import { type ModelServerProcess, runModelServer } from "../../support/model-server-process.ts";
import { randomNetwork } from "../../support/networks.ts";
import { type Outcome, run, Scratch, spawn } from "../../support/processes.ts";
import { ProductProcess } from "../../support/product-process.ts";
import { until } from "../../support/until.ts";
import { describeWith } from "../support/programs.ts";

const ROOT = join(import.meta.dir, "../../..");
const TORCH = join(ROOT, "test/fixtures/pytorch-model");
const TORCH_FINGERPRINT = "080e7576844e";

describeWith(["curl"], "deploy_model.sh", () => {
  let scratch: Scratch;
  let server: ModelServerProcess | undefined;

  beforeEach(() => {
    scratch = new Scratch();
  });
  afterEach(async () => {
    await server?.stop();
    server = undefined;
    scratch.remove();
  });

  /** A model of ours in a directory of its own. */
  function made(name: string, seed: number): string {
    const path = scratch.file(name);
    mkdirSync(path);
    writeModelFiles(path, randomNetwork(seed, 6));
    return path;
  }

  const deploy = (...args: string[]): Promise<Outcome> =>
    run([join(ROOT, "ml/scripts/deploy_model.sh"), "--to", scratch.file("served"), ...args], { deadlineMs: 110_000 });

  async function served(): Promise<string | null> {
    const answer = (await (await fetch(`${server!.url}/version`)).json()) as { model_fingerprint: string | null };
    return answer.model_fingerprint;
  }

  test("what is good serves, also beside a name for its version; --rollback brings the former one back", async () => {
    const first = made("served", 1);
    server = await runModelServer({ MODEL_PATH: first, MODEL_VERSION: "named" });
    const before = await served();
    const at = ["--model-server", server.url];

    const good = await deploy(...at, TORCH);
    expect([good.code, good.stderr]).toEqual([0, expect.stringContaining("1 instance(s) serve by it")]);
    expect(await served()).toBe(TORCH_FINGERPRINT);
    expect(readlinkSync(join(first, "scaler.json"))).toBe(".current/scaler.json");

    const back = await deploy(...at, "--rollback");
    expect([back.code, await served()]).toEqual([0, before]);
    // Only so many of the former ones stay.
    for (const seed of [3, 4]) expect((await deploy(...at, "--keep", "1", made(`m${seed}`, seed))).code).toBe(0);
    expect(readdirSync(join(first, ".models"))).toHaveLength(2);
  });

  test("what cannot serve, and who cannot be asked, changes nothing", async () => {
    const first = made("served", 1);
    server = await runModelServer({ MODEL_PATH: first });
    const before = await served();
    const broken = scratch.file("broken");
    cpSync(TORCH, broken, { recursive: true });
    writeFileSync(join(broken, "scaler.json"), '{"mean": [0], "scale": [1]}');
    const refused = await deploy("--model-server", server.url, broken);
    expect(refused.stderr).toContain('broken/scaler.json: "mean" has 1 numbers and');
    expect(refused.stderr).toContain("nothing was changed");

    const unreachable = await deploy("--model-server", server.url, "--admin", "http://127.0.0.1:9", TORCH);
    expect(unreachable.stderr).toContain("the balancer http://127.0.0.1:9 cannot be asked");
    expect([refused.code, unreachable.code, await served()]).toEqual([1, 1, before]);
    expect(existsSync(join(first, ".models"))).toBe(false);

    const wrong = await deploy("--keep", "0", TORCH);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("--keep must be a whole number above 0")]);
  });

  test("what an instance refuses is taken back, and the former one answers", async () => {
    const first = scratch.file("served");
    mkdirSync(first);
    const network = randomNetwork(1, 6);
    writeModelFiles(first, network);
    const other = changedOnnx(network, ({ graph }) => {
      graph!.input[0].name = "state";
      for (const node of graph!.node) node.input = node.input.map((name) => (name === "features" ? "state" : name));
    });
    writeFileSync(join(first, "load_balancer.onnx"), other);
    // Right for whoever checks it here; this instance was told another name of the input.
    server = await runModelServer({ MODEL_PATH: first, MODEL_INPUT_NAME: "state" });
    const before = await served();
    expect(before).not.toBeNull();
    const refused = await deploy("--model-server", server.url, TORCH);
    expect(refused.stderr).toContain("has no input named state, only features");
    expect(refused.stderr).toContain(`${TORCH_FINGERPRINT} was taken back`);
    expect([refused.code, await served()]).toEqual([3, before]);
    const body = JSON.stringify({ servers: [{ active_conns: 1 }] });
    expect((await fetch(`${server.url}/predict`, { method: "POST", body })).status).toBe(200);
  });

  test("who does not confirm the former one is named", async () => {
    made("served", 1);
    using fake = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: ({ url }) =>
        url.endsWith("/version")
          ? Response.json({ model_fingerprint: "0123456789ab" })
          : Response.json({ error: "out of order" }, { status: 422 }),
    });
    const { code, stderr } = await deploy("--model-server", fake.url.origin, TORCH);
    expect([code, stderr.match(/out of order/g)?.length]).toEqual([4, 2]);
    expect(stderr).toContain("not every instance confirms it");
  });

  test("interrupted, with nobody who reads what it says, it takes the model back and leaves nothing of it", async () => {
    const path = made("served", 1);
    let pid = 0;
    using fake = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch({ url }) {
        if (url.endsWith("/reload")) process.kill(pid, "SIGTERM");
        return Response.json({ model_fingerprint: "0123456789ab" });
      },
    });
    // Whoever read its pipe has gone, as tee has after Ctrl-C.
    const alone = ["bash", "-c", 'exec "$0" "$@" 2> >(:)', join(ROOT, "scripts/deploy_model.sh"), "--to", path];
    const deploying = spawn({ cmd: [...alone, "--model-server", fake.url.origin, TORCH], stdout: "ignore" });
    pid = deploying.pid;
    expect(await deploying.exited).toBe(3);
    const left = readdirSync(join(path, ".models"));
    expect([left.length, readlinkSync(join(path, ".current"))]).toEqual([1, `.models/${left[0]}`]);
    expect(left[0]).not.toStartWith(TORCH_FINGERPRINT);
  });

  test("a model that is exchanged after it was checked is not put there", async () => {
    const path = made("served", 1);
    const [model, other, shims] = [made("changing", 2), made("other", 3), scratch.file("shims")];
    mkdirSync(shims);
    const install = `#!/bin/sh\ncp '${other}'/* '${model}'\nPATH=\${PATH#*:}\nexec install "$@"\n`;
    writeFileSync(join(shims, "install"), install, { mode: 0o755 });
    const script = [join(ROOT, "scripts/deploy_model.sh"), "--no-instance", "--to", path, model];
    // The first that is copied is what is there now, which the exchange does not touch.
    const env = { PATH: `${shims}:${process.env.PATH}` };
    const { code, stderr } = await run(script, { env });
    expect([code, stderr]).toEqual([1, expect.stringContaining("somebody writes there; nothing was changed")]);
    expect(readdirSync(join(path, ".models"))).toHaveLength(1);
  });

  test("a directory of any name, in which there is a part of a model", async () => {
    const path = scratch.file("-o dd\n'name");
    mkdirSync(path);
    writeFileSync(join(path, "scaler.json"), "ours");
    const { code, stderr } = await run(
      [join(ROOT, "scripts/deploy_model.sh"), "--no-instance", "--to", "-o dd\n'name", TORCH],
      { cwd: scratch.file("") },
    );
    expect([code, stderr]).toEqual([0, expect.stringContaining(`${TORCH_FINGERPRINT} is in ./-o dd`)]);
    expect(readFileSync(join(path, ".previous/scaler.json"), "utf8")).toBe("ours");
  });

  test("a balancer that reads MODEL_PATH itself takes it, too", async () => {
    const path = made("served", 1);
    const product = new ProductProcess({
      ...{ SERVERS: "http://127.0.0.1:9", HEALTH_CHECK_ENABLED: "false", APP_HOST: "127.0.0.1", APP_PORT: "0" },
      ...{ ADMIN_PORT: "auto", WORKERS: "1", LB_STRATEGY: "ml", MODEL_PATH: path },
    });
    try {
      await product.started();
      const admin = `http://127.0.0.1:${(await until(() => product.said("admin API listens"))).port}`;
      await until(async () => {
        const { models } = (await (await product.admin("/api/v1/ml")).json()) as { models: { fingerprint: unknown } };
        return models?.fingerprint;
      });
      const { code, stderr } = await deploy("--admin", admin, TORCH);
      expect([code, stderr]).toEqual([0, expect.stringContaining("1 instance(s) serve by it")]);
      const { text } = await run([join(ROOT, "bin/neurabalancer"), "models", "serving", "--admin", admin]);
      expect(text).toMatch(new RegExp(`^default +file +2 +${TORCH_FINGERPRINT} `, "m"));
    } finally {
      await product.end();
    }
  });
});

describe("models check", () => {
  test("says what may serve, and what is wrong with what may not", async () => {
    const check = (...args: string[]) => run([join(ROOT, "bin/neurabalancer"), "models", "check", ...args]);
    expect(await check(TORCH)).toMatchObject({
      code: 0,
      text: expect.stringContaining(`version ${TORCH_FINGERPRINT}`),
    });
    const shipped = await check("--json", join(ROOT, "models/prior"));
    expect(JSON.parse(shipped.text)).toMatchObject({ output: "log_relative_cost", features: expect.any(Array) });
    expect(await check("/nowhere")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("/nowhere/load_balancer.onnx"),
    });
  });
});
