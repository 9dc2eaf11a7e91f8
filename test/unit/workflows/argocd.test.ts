/** deployments/argocd/: the application is allowed what its chart makes, and names what CD pushes. */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { statedVersions } from "../../../scripts/release/places.ts";
import { contradictions } from "../../../scripts/release/tag.ts";
import { ROOT } from "../../support/github/workflows.ts";

const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const project = parse(read("deployments/argocd/project.yaml"));
const application = parse(read("deployments/argocd/application.yaml"));
const TEMPLATES = "deployments/helm/charts/neurabalancer/templates";

test("the application is one of the project", () => {
  const { source, destination } = application.spec;
  expect(application.spec.project).toBe(project.metadata.name);
  expect(application.metadata.namespace).toBe(project.metadata.namespace);
  expect(project.spec.sourceRepos).toContain(source.repoURL);
  expect(project.spec.destinations).toContainEqual({ server: destination.server, namespace: destination.namespace });
});

test("the project allows every kind of object that the chart has, and no other", () => {
  const templates = readdirSync(join(ROOT, TEMPLATES), { recursive: true, encoding: "utf8" });
  const text = templates
    .filter((name) => name.endsWith(".yaml"))
    .map((name) => read(join(TEMPLATES, name)))
    .join("\n");
  const kinds = new Set(
    [...text.matchAll(/^ *kind: (?:\{\{ ternary "(\w+)" "(\w+)"[^\n]*|(\w+))$/gm)].flatMap(([, a, b, c]) => [a, b, c]),
  );
  // What other objects refer to by kind is written in braces or has no group of its own.
  const made = [...kinds].filter((kind): kind is string => kind !== undefined);
  const allowed: string[] = project.spec.namespaceResourceWhitelist.map((each: { kind: string }) => each.kind);
  expect(allowed.toSorted()).toEqual([...new Set(made)].toSorted());
});

test("a token of the project may bring a version into operation and no more", () => {
  const policies: string[] = project.spec.roles.flatMap((role: { policies: string[] }) => role.policies);
  const rights = policies.map((policy) => policy.split(", ").slice(2).join(" "));
  const of = (right: string) => `applications ${right} ${project.metadata.name}/${application.metadata.name} allow`;
  expect(rights).toEqual([of("get"), of("update"), of("sync")]);
});

test("every file that says the version says the same", () => {
  expect(contradictions(JSON.parse(read("package.json")).version, statedVersions(ROOT))).toEqual([]);
});
