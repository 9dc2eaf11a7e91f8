/** deployments/kubernetes/ is what helm makes of the chart, and Kubernetes takes it. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { manifestFiles } from "../../../../scripts/generate/chart/manifests.ts";
import { HAS_HELM, HELMS, KUBERNETES, nonconformity, objectsOf, say } from "../../../support/helm/render.ts";

const ROOT = join(import.meta.dir, "../../../..");
const FOLDER = "deployments/kubernetes";

function present(): string[] {
  const found = readdirSync(join(ROOT, FOLDER), { recursive: true, encoding: "utf8" });
  return found.filter((name) => name.endsWith(".yaml")).map((name) => `${FOLDER}/${name}`);
}

describe.skipIf(!HAS_HELM)("raw manifests", () => {
  test("are fresh (npm run generate:manifests), and no others are there", () => {
    const files = manifestFiles((args) => {
      const { code, out, err } = say(HELMS[0], args);
      if (code !== 0) throw new Error(err);
      return out;
    });
    for (const { path, content } of files) expect(readFileSync(join(ROOT, path), "utf8")).toBe(content);
    expect(files.map(({ path }) => path).sort()).toEqual(present().sort());
  }, 60_000);

  test.each(KUBERNETES)(
    "are what Kubernetes %s knows",
    (version) => {
      expect(
        nonconformity(
          present().map((path) => join(ROOT, path)),
          version,
        ),
      ).toBe("");
    },
    120_000,
  );

  test("are applied in order: the namespace first, and everything in it", () => {
    const [first, ...others] = present().sort();
    expect(objectsOf(readFileSync(join(ROOT, first), "utf8")).map(({ kind }) => kind)).toEqual(["Namespace"]);
    const objects = others.flatMap((path) => objectsOf(readFileSync(join(ROOT, path), "utf8")));
    expect(new Set(objects.map(({ metadata }) => metadata.namespace))).toEqual(new Set(["neurabalancer"]));
  });
});
