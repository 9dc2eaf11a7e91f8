/**
 * The package for npm as a stranger gets it: made, installed in an empty directory by npm, with a home directory that has nothing in
 * it, and started there. npm takes what it needs from its cache or from the registry: where neither has it, that is skipped.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, normalize } from "node:path";
import { version } from "../../../package.json";
import { buildNpmPackage } from "../../../scripts/package/npm.ts";
import { run } from "../../../scripts/package/run.ts";
import { KEEPS_NOTHING } from "../../support/configuration.ts";
import { Daemon, Scratch, spawnSync } from "../../support/processes.ts";
import { relativeLinks } from "../../unit/docs/links.ts";

const MOST_PACKED_BYTES = 4_000_000;
const UNREACHABLE = /ENOTCACHED|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH/;
const INSTALL_DEADLINE_MS = 240_000;

const scratch = new Scratch();
for (const name of ["made", "stranger", "home"]) mkdirSync(scratch.file(name));
const file = buildNpmPackage(scratch.file("made"), scratch.path);
const shipped = new Set(run("tar", ["-tzf", file]).trim().split("\n"));
const stranger = scratch.file("stranger");

/** The cache stays: what it has need not be fetched. */
const ENVIRONMENT = {
  PATH: process.env.PATH!,
  HOME: scratch.file("home"),
  npm_config_cache: run("npm", ["config", "get", "cache"]).trim(),
  npm_config_registry: run("npm", ["config", "get", "registry"]).trim(),
};

/** Installs it. @returns why not, where that is nobody's fault. */
function install(): string | null {
  writeFileSync(join(stranger, "package.json"), '{"name":"stranger","private":true}\n');
  const flags = ["--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"];
  const { exitCode, stderr } = spawnSync(["npm", "install", ...flags, file], {
    cwd: stranger,
    env: ENVIRONMENT,
    stdout: "ignore",
    stderr: "pipe",
    timeout: INSTALL_DEADLINE_MS,
  });
  if (exitCode === 0) return null;
  const said = stderr.toString();
  if (!process.env.CI && UNREACHABLE.test(said)) return said;
  throw new Error(`npm install failed (${exitCode}): ${said}`);
}

const unreachable = install();

afterAll(() => scratch.remove());

describe("what is in it", () => {
  test("the product, its documents and what they link to; no tests or benchmarks, and of scripts those for operators", () => {
    for (const path of [
      "bin/neurabalancer",
      "src/main.ts",
      "models/prior/load_balancer.onnx",
      "LICENSE",
      "docs/README.md",
    ])
      expect(shipped).toContain(`package/${path}`);
    const folders = new Set([...shipped].map((path) => path.split("/")[1]).filter((name) => !/\./.test(name)));
    expect([...folders].sort()).toEqual([
      "LICENSE",
      "bin",
      "configs",
      "deployments",
      "docs",
      "models",
      "scripts",
      "src",
    ]);
    const scripts = [...shipped].filter((path) => path.startsWith("package/scripts/"));
    expect(scripts.sort()).toEqual(
      ["deploy_model.sh", "healthcheck.sh", "wait-for.sh"].map((name) => `package/scripts/${name}`),
    );
    expect([...shipped].filter((path) => /\.test\.ts$|\/node_modules\//.test(path))).toEqual([]);
    expect(statSync(file).size).toBeLessThan(MOST_PACKED_BYTES);
  });

  test("every link of README leads to something that is in it", async () => {
    const links = relativeLinks(await readFile(join(scratch.path, "package/README.md"), "utf8"));
    const files = links.map((link) => link.split("#")[0]).filter((path) => path !== "");
    expect(files.length).toBeGreaterThan(10);
    const missing = files.filter((path) => !existsSync(join(scratch.path, "package", normalize(path))));
    expect(missing).toEqual([]);
  });
});

describe.skipIf(unreachable !== null)("installed by npm", () => {
  test("nothing of it is for graphics cards, and nothing is fetched from elsewhere", () => {
    expect(existsSync(join(stranger, "node_modules/neurabalancer/src/main.ts"))).toBe(true);
    expect(existsSync(join(stranger, "node_modules/onnxruntime-node"))).toBe(false);
  });

  test("npx finds the command", () => {
    const { stdout } = spawnSync(["npx", "--no", "--", "neurabalancer", "--version"], {
      cwd: stranger,
      env: ENVIRONMENT,
      timeout: 60_000,
    });
    expect(stdout.toString()).toBe(`${version}\n`);
  });

  test.each(["least_connections", "ml"])("serves with %s, the page included", async (strategy) => {
    const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("here") });
    const product = new Daemon([join(stranger, "node_modules/.bin/neurabalancer")], {
      cwd: stranger,
      env: {
        ...ENVIRONMENT,
        ...KEEPS_NOTHING,
        SERVERS: `http://127.0.0.1:${server.port}`,
        LB_STRATEGY: strategy,
        DATA_DIR: scratch.file(`data-${strategy}`),
        APP_HOST: "127.0.0.1",
        APP_PORT: "0",
        ADMIN_PORT: "auto",
        WORKERS: "1",
        ACCESS_LOG: "off",
      },
      quiet: true,
    });
    try {
      const port = await product.says(({ stderr }) => /balancing over [^"]*on port (\d+)/.exec(stderr)?.[1]);
      expect(await (await fetch(`http://127.0.0.1:${port}/x`)).text()).toBe("here");
      const [, admin] = /"port":(\d+),"msg":"the admin API listens"/.exec(product.stderr) ?? [];
      expect(await (await fetch(`http://127.0.0.1:${admin}/`)).text()).toContain("<html");
    } finally {
      expect(await product.stop()).toBe(0);
      await server.stop(true);
    }
  });

  test("a model made elsewhere is refused in words that say what to install", () => {
    const { stderr } = spawnSync(["node_modules/.bin/bun", "-e", LOAD], {
      cwd: stranger,
      env: ENVIRONMENT,
      timeout: 60_000,
    });
    expect(stderr.toString()).toContain("ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node");
  });
});

const LOAD = `
  const { loadOnnxRuntime } = await import("./node_modules/neurabalancer/src/learning/models/inference/onnx-runtime.ts");
  await loadOnnxRuntime().catch((error) => console.error(error.message));
`;
