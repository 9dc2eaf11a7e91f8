/** The files that name the version of the product, and what each says. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { Stated } from "./tag.ts";

const CHART = "deployments/helm/charts/neurabalancer/Chart.yaml";
const COMPOSE = "docker-compose.yml";
const APPLICATION = "deployments/argocd/application.yaml";

/** @param root - the repository. Throws when a file is missing or cannot be read. */
export function statedVersions(root: string): Stated[] {
  const text = (path: string): string => {
    if (!existsSync(join(root, path))) throw new Error(`${path} is missing: it says which version is released`);
    return readFileSync(join(root, path), "utf8");
  };
  const lock = JSON.parse(text("package-lock.json"));
  const chart = parse(text(CHART));
  return [
    { where: "package.json, version", version: JSON.parse(text("package.json")).version },
    { where: "package-lock.json, version", version: lock.version },
    { where: 'package-lock.json, packages[""].version', version: lock.packages?.[""]?.version },
    { where: `${CHART}, version`, version: chart.version },
    { where: `${CHART}, appVersion`, version: chart.appVersion },
    ...defaultsOf(text(COMPOSE)),
    { where: `${APPLICATION}, targetRevision`, version: parse(text(APPLICATION)).spec?.source?.targetRevision },
  ];
}

/** What the images of the stack are when nobody names a version: once for each. */
function defaultsOf(compose: string): Stated[] {
  const found = [...compose.matchAll(/\$\{NEURABALANCER_VERSION:-([^}]*)\}/g)];
  if (found.length === 0) throw new Error(`${COMPOSE} names no image by \${NEURABALANCER_VERSION:-…}`);
  return found.map(([, version]) => ({ where: `${COMPOSE}, NEURABALANCER_VERSION`, version }));
}
