/** The Dockerfiles of deployments/docker: what their own checker says, and what must hold for each of them. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { validate } from "dockerfile-utils";
import { version } from "../../../package.json";
import lock from "../../../package-lock.json";

const ROOT = join(import.meta.dir, "../../..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const KINDS = ["balancer", "backend", "ml"] as const;
const fileOf = (kind: string) => read(`deployments/docker/Dockerfile.${kind}`);
/** An instruction's arguments, as JSON has them. */
const listOf = (text: string, instruction: RegExp) =>
  JSON.parse(new RegExp(`^${instruction.source} (\\[.*\\])$`, "m").exec(text)?.[1] ?? "null") as string[] | null;

describe.each(KINDS)("the image of the %s", (kind) => {
  const text = fileOf(kind);

  test("has a Dockerfile without a mistake, which every builder understands", () => {
    expect(validate(text)).toEqual([]);
    expect(text).not.toMatch(/--link|<</);
  });

  test("is made of base images that are arguments, by tag", () => {
    expect([...text.matchAll(/^FROM (?:--platform=\$BUILDPLATFORM )?\$\{(\w+)\}/gm)].map(([, from]) => from)).toEqual([
      "BUILDER_IMAGE",
      "RUNTIME_IMAGE",
    ]);
    expect(text).toMatch(/^ARG BUILDER_IMAGE=docker\.io\/library\/node:\d+\.\d+\.\d+-/m);
    expect(text).toMatch(/^ARG RUNTIME_IMAGE=gcr\.io\/distroless\/\S+:nonroot$/m);
  });

  test("runs as distroless' user, starts Bun with the launcher's flags, and says its health without a shell", () => {
    expect(text).toContain("\nUSER 65532:65532\n");
    const launcher = /^set -- "\$bun" (.*) "\$root\/src\/main.ts"/m.exec(read("bin/neurabalancer"))?.[1].split(" ");
    expect(listOf(text, /ENTRYPOINT/)).toEqual(["/usr/local/bin/bun", ...launcher!, "/app/src/main.ts"]);
    const program = { balancer: "serve", backend: "backend", ml: "model-server" }[kind];
    expect(listOf(text, /CMD/)).toEqual([program]);
    const asked = kind === "balancer" ? [] : [program];
    expect(listOf(text, /HEALTHCHECK .*CMD/)).toEqual(["neurabalancer", "healthcheck", ...asked]);
  });

  test("keeps freed memory as long as the launcher has it", () => {
    const delay = /MIMALLOC_PURGE_DELAY:-(\d+)/.exec(read("bin/neurabalancer"))?.[1];
    expect(text).toContain(`MIMALLOC_PURGE_DELAY=${delay}`);
  });
});

test("the three are built in the same way", () => {
  const common = (kind: string) =>
    fileOf(kind)
      .replace(/^#.*\n/gm, "")
      .replace(/distroless\/\S+/, "distroless/…")
      .replace(" --without-inference", "")
      .replace(/^LABEL [\s\S]*?licenses/m, "LABEL …")
      .replace(/^COPY --from=build --chown.*\n/gm, "")
      .replace(/(NODE_USE_SYSTEM_CA=1)[\s\S]*?(?=^WORKDIR)/m, "$1\n")
      .replace(/^(?:VOLUME|EXPOSE|HEALTHCHECK|CMD) .*\n/gm, "");
  expect(common("backend")).toBe(common("balancer"));
  expect(common("ml")).toBe(common("balancer"));
});

test("documents name the images of this version", () => {
  const tags = [...read("docs/deployment.md").matchAll(/ghcr\.io\/neurabalancer\/[\w-]+:([\w.-]+)/g)];
  expect(tags.map(([, tag]) => tag)).toEqual([version]);
});

test("nothing gets into a build but what is named", () => {
  const [first, ...named] = read(".dockerignore").trim().split("\n").slice(1);
  expect(first).toBe("*");
  expect(named.filter((line) => !/^![\w./-]+$/.test(line))).toEqual([]);
});

test("Bun's packages for the platforms of the images are in the lock file", () => {
  const packages = lock.packages as Record<string, { version?: string }>;
  const { version } = packages["node_modules/bun"];
  for (const name of read("deployments/docker/assemble.mjs").matchAll(/bun: "(bun-linux-[\w-]+)"/g)) {
    expect(packages[`node_modules/@oven/${name[1]}`]?.version).toBe(version);
  }
});
