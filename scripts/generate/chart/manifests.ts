/**
 * `npm run generate:manifests`: deployments/kubernetes/, made from the chart by helm (`npm run build:helm`). For those who apply
 * files. A test makes them again and compares.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const CHART = join(ROOT, "deployments/helm/charts/neurabalancer");
/** From the project's root. */
const TARGET = "deployments/kubernetes";
/** Release and namespace. */
const NAME = "neurabalancer";
const HEAD = "# Made by `npm run generate:manifests` from deployments/helm/charts/neurabalancer: change it there.\n";
/** The oldest Kubernetes that the chart takes: what is made for it is taken by all. */
const ARGUMENTS = ["template", NAME, CHART, "--namespace", NAME, "--kube-version", "1.25.0", "--skip-tests"];
/** What needs Prometheus' operator, or Grafana's sidecar, is in a folder of its own. */
const MONITORING = [
  ...["--set", "metrics.serviceMonitor.enabled=true", "--set", "metrics.prometheusRule.enabled=true"],
  ...["--set", "dashboards.enabled=true", "--show-only", "templates/monitoring.yaml"],
];
/** Lines that only helm, or a change by helm, gives a meaning. */
const HELMS_OWN = /^ *(helm\.sh\/chart:|app\.kubernetes\.io\/managed-by:|checksum\/).*\n/gm;

/**
 * Files with their texts, from the project's root.
 * @param helm gives the standard output of helm with these arguments; throws when it fails.
 */
export function manifestFiles(
  helm: (args: readonly string[]) => string,
): { readonly path: string; readonly content: string }[] {
  // The service that metrics are read from is there for whoever comes to want them.
  const plain = byTemplate(helm([...ARGUMENTS, "--set", "admin.service.enabled=true"]));
  const files = [...plain, ...byTemplate(helm([...ARGUMENTS, ...MONITORING]))];
  const namespace = `${HEAD}apiVersion: v1\nkind: Namespace\nmetadata:\n  name: ${NAME}\n`;
  return [
    { path: `${TARGET}/00-namespace.yaml`, content: namespace },
    ...files.map(([template, content]) => ({ path: `${TARGET}/${placeOf(template)}`, content })),
  ];
}

function placeOf(template: string): string {
  return template === "monitoring.yaml" ? `monitoring/${template}` : template;
}

/** One text for each template, its objects in order. */
function byTemplate(rendered: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const part of rendered.split(/^---\n/m)) {
    const source = /^# Source: neurabalancer\/templates\/(\S+)\n/.exec(part);
    if (source === null) continue;
    const text = part.slice(source[0].length).replace(HELMS_OWN, "").trimEnd();
    const before = files.get(source[1]);
    files.set(source[1], before === undefined ? `${HEAD}${text}\n` : `${before}---\n${text}\n`);
  }
  return files;
}

if (import.meta.main) {
  const program = join(ROOT, "node_modules/.cache/helm/helm");
  const files = manifestFiles((args) => {
    const { exitCode, stdout, stderr } = Bun.spawnSync([program, ...args]);
    if (exitCode !== 0) throw new Error(`helm ${args.join(" ")}: ${stderr}`);
    return stdout.toString();
  });
  for (const name of readdirSync(ROOT + TARGET, { recursive: true }).filter((each) => `${each}`.endsWith(".yaml"))) {
    rmSync(join(ROOT, TARGET, `${name}`));
  }
  for (const { path, content } of files) {
    mkdirSync(dirname(ROOT + path), { recursive: true });
    writeFileSync(ROOT + path, content);
    console.log(path);
  }
}
