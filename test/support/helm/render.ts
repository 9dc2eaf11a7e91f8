/** The chart, rendered by helm itself, for tests. The programs come from `npm run build:helm`. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { spawnSync } from "../processes.ts";

const ROOT = join(import.meta.dir, "../../..");
const CACHE = join(ROOT, "node_modules/.cache/helm");
/** The chart's folder. */
export const CHART = join(ROOT, "deployments/helm/charts/neurabalancer");
/** Helm 4 and helm 3, in this order. */
export const HELMS = [join(CACHE, "helm"), join(CACHE, "helm3")] as const;
const KUBECONFORM = join(CACHE, "kubeconform");
const SCHEMAS = join(CACHE, "schemas");
/** Versions of Kubernetes that there are schemas of; the first is the oldest that the chart takes. */
export const KUBERNETES = ["1.25.0", "1.35.0", "1.37.0"] as const;
/** Whether all of this is there. */
export const HAS_HELM = [...HELMS, KUBECONFORM, SCHEMAS].every((path) => existsSync(path));

/** An object of Kubernetes, as far as tests look. */
export interface KubernetesObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Labels };
  // biome-ignore lint/suspicious/noExplicitAny: what a kind has is looked up by the test that knows it
  readonly [field: string]: any;
}

export type Labels = Readonly<Record<string, string>>;

/** What a program said. */
export interface Said {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs `program` to its end. */
export function say(program: string, args: readonly string[]): Said {
  const { exitCode, stdout, stderr } = spawnSync([program, ...args], {
    stdout: "pipe",
    stderr: "pipe",
    env: { PATH: process.env.PATH, HOME: tmpdir() },
    timeout: 120_000,
  });
  return { code: exitCode, out: stdout.toString(), err: stderr.toString() };
}

/** How a release is rendered. */
export interface Rendering {
  readonly values?: Readonly<Record<string, unknown>>;
  readonly release?: string;
  readonly namespace?: string;
  readonly kubernetes?: string;
  /** One of HELMS. */
  readonly helm?: string;
}

/** What `helm template` says of the chart with these values. */
export function template(rendering: Rendering = {}): Said {
  const { values = {}, release = "edge", namespace = "front", kubernetes = KUBERNETES[0], helm = HELMS[0] } = rendering;
  const directory = mkdtempSync(join(tmpdir(), "neurabalancer-helm-"));
  try {
    const file = join(directory, "values.yaml");
    writeFileSync(file, JSON.stringify(values));
    return say(helm, ["template", release, CHART, "-n", namespace, "--kube-version", kubernetes, "-f", file]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The objects that the chart makes of these values. Throws with what helm says when it makes none. */
export function render(rendering: Rendering = {}): KubernetesObject[] {
  const { code, out, err } = template(rendering);
  if (code !== 0) throw new Error(`helm template: ${err}`);
  return objectsOf(out);
}

/** Objects of a text with several documents. Throws when one is no YAML, or has a key twice. */
export function objectsOf(text: string): KubernetesObject[] {
  return parseAllDocuments(text, { strict: true }).flatMap((document) => {
    if ("errors" in document && document.errors.length > 0) throw document.errors[0];
    const value = document.toJSON();
    return value === null ? [] : [value];
  });
}

/** What kubeconform finds wrong with files, by the API of that version; unknown fields are. "" = nothing. */
export function nonconformity(files: readonly string[], kubernetes: string): string {
  const location = `${SCHEMAS}/v${kubernetes}/{{.ResourceKind}}{{.KindSuffix}}.json`;
  const { code, out, err } = say(KUBECONFORM, ["-strict", "-schema-location", location, ...files]);
  return code === 0 ? "" : `${out}${err}`;
}
