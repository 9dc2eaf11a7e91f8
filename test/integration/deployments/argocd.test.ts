/** What Argo CD would make of deployments/argocd/: the chart takes the application's values, and the project allows what comes of it. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { HAS_HELM, HELMS, type KubernetesObject, render } from "../../support/helm/render.ts";
import { SHAPES } from "./helm/shapes.ts";

const FOLDER = join(import.meta.dir, "../../../deployments/argocd");
const { spec: project } = parse(readFileSync(join(FOLDER, "project.yaml"), "utf8"));
const { spec: application } = parse(readFileSync(join(FOLDER, "application.yaml"), "utf8"));
/** `apps/Deployment`; `/Service` is of the first group, which has no name. */
const kindOf = ({ apiVersion, kind }: KubernetesObject): string =>
  `${apiVersion.includes("/") ? apiVersion.split("/")[0] : ""}/${kind}`;
const ALLOWED: string[] = project.namespaceResourceWhitelist.map(
  ({ group, kind }: { group: string; kind: string }) => `${group}/${kind}`,
);

describe.skipIf(!HAS_HELM)("the application", () => {
  const { releaseName, valuesObject } = application.source.helm;
  const namespace: string = application.destination.namespace;

  test.each([...HELMS])("is rendered by %s, all of it in its namespace", (helm) => {
    const objects = render({ values: valuesObject, release: releaseName, namespace, helm });
    expect(objects.length).toBeGreaterThan(3);
    expect(objects.filter(({ metadata }) => (metadata.namespace ?? namespace) !== namespace)).toEqual([]);
  });

  test("may be whatever the chart can be, in its own namespace, and nothing else", () => {
    const made = new Set(Object.values(SHAPES).flatMap((shape) => render(shape).map(kindOf)));
    expect(ALLOWED.toSorted()).toEqual([...made].sort());
  });
});
