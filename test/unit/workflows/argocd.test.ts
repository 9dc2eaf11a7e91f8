/** deployments/argocd/: the application is of the project, and both say what is released. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { statedVersions } from "../../../scripts/release/places.ts";
import { contradictions } from "../../../scripts/release/tag.ts";
import { ROOT } from "../../support/github/workflows.ts";

const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const project = parse(read("deployments/argocd/project.yaml"));
const application = parse(read("deployments/argocd/application.yaml"));

test("the application is one of the project", () => {
  const { source, destination } = application.spec;
  expect(application.spec.project).toBe(project.metadata.name);
  expect(application.metadata.namespace).toBe(project.metadata.namespace);
  expect(project.spec.sourceRepos).toContain(source.repoURL);
  expect(project.spec.destinations).toContainEqual({ server: destination.server, namespace: destination.namespace });
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
