/**
 * The Helm chart and the raw manifests in a real API server: what it admits, defaults, validates and lets the service account do.
 * Started by run.sh. There is no kubelet: the pods stay pending, until a stand-in reports for some that they are ready. No container
 * runs, so `helm test` is rendered alone.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Product } from "../../test/drill/fixture.ts";
import { SHAPES } from "../../test/integration/deployments/helm/shapes.ts";
import { endedAfterAll } from "../../test/support/ended-after-all.ts";
import { CHART, type Rendering, render } from "../../test/support/helm/render.ts";
import { API_HOST, API_PORT, type ApiObject, ControlPlane } from "../../test/support/kubernetes/control-plane.ts";
import { makeNamespace, makeNode, makeService, Pod } from "../../test/support/kubernetes/pods.ts";
import { StandInKubelet } from "../../test/support/kubernetes/stand-in-kubelet.ts";
import { until } from "../../test/support/until.ts";

const ROOT = join(import.meta.dir, "../..");
const CRDS = join(ROOT, "node_modules/.cache/kubernetes/crds");
const PATIENCE_MS = 100_000;
const open = endedAfterAll();
const plane = await ControlPlane.start();
open.push(plane);
/** Pods that Kubernetes itself would not let into a namespace for careful ones are not made at all. */
const RESTRICTED = {
  "pod-security.kubernetes.io/enforce": "restricted",
  "pod-security.kubernetes.io/warn": "restricted",
};
await Promise.all([makeNamespace(plane, "edge", RESTRICTED), makeNamespace(plane, "shop")]);
await Promise.all([makeNode(plane, "node-a", "a"), makeNode(plane, "node-b", "b")]);
const known = new Set(["edge", "shop"]);
await makeService(plane, "shop", "web");
await works("kubectl", ["apply", "--server-side", "-f", CRDS]);
await works("kubectl", ["wait", "--for=condition=established", "--timeout=90s", "-f", CRDS]);

/** Values as somebody has them in production, with all that the chart can install. */
const VALUES = {
  environment: "production",
  servers: ["k8s://shop/web:http"],
  networkPolicy: { enabled: true, egress: { enabled: true } },
  metrics: { serviceMonitor: { enabled: true }, prometheusRule: { enabled: true } },
  dashboards: { enabled: true },
  admin: { service: { enabled: true } },
};

/** Those of the chart's own tests, and what is installed here. */
const ALL_SHAPES: Readonly<Record<string, Rendering>> = { ...SHAPES, "in production": { values: VALUES } };

/** Runs a program to its end, which must be a good one. @returns what it printed. */
async function works(program: string, args: readonly string[], input?: string): Promise<string> {
  const { code, text, stderr } = await plane.program(program, args, input);
  if (code !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}${text}`);
  return `${text}${stderr}`;
}

function valuesFile(values: object): string {
  return plane.put("values.json", JSON.stringify(values));
}

function helm(action: string, values: object, ...more: string[]): Promise<string> {
  return works("helm", [action, "edge", CHART, "-n", "edge", "-f", valuesFile(values), ...more]);
}

async function list(path: string): Promise<ApiObject[]> {
  return (await plane.api("GET", path)).items;
}

/** Everything of the release, in all namespaces, as kind/name. */
async function installed(): Promise<string[]> {
  const kinds = await works("kubectl", ["api-resources", "--verbs=list", "-o", "name"]);
  // What controllers make of the objects goes later.
  const own = kinds
    .trim()
    .split("\n")
    .filter((kind) => !/^(events|endpoints|pods|replicasets|controllerrevisions|endpointslices)/.test(kind));
  const release = "app.kubernetes.io/instance=edge";
  const text = await works("kubectl", ["get", own.join(","), "-A", "-l", release, "-o", "name", "--ignore-not-found"]);
  return text
    .trim()
    .split("\n")
    .filter((line) => line.includes("/"));
}

const pods = (): Promise<ApiObject[]> =>
  list("/api/v1/namespaces/edge/pods?labelSelector=app.kubernetes.io/instance=edge");

/** What Kubernetes warns of, such as pods that it does not make. Addresses of services the API server mends by itself. */
async function troubles(namespace: string): Promise<string[]> {
  const events = await list(`/api/v1/namespaces/${namespace}/events`);
  return events
    .filter(({ type, involvedObject }) => type === "Warning" && involvedObject.kind !== "Service")
    .map(({ message }) => message);
}

test.each(Object.entries(ALL_SHAPES))(
  "%s: the API server takes every object, and knows every field",
  async (_name, shape) => {
    const objects = render({ ...shape, kubernetes: "1.35.0" });
    const namespaces = new Set(objects.flatMap(({ metadata }) => metadata.namespace ?? []));
    for (const name of namespaces) if (!known.has(name)) await makeNamespace(plane, name, RESTRICTED);
    for (const name of namespaces) known.add(name);
    const apply = ["apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-"];
    const said = await works("kubectl", apply, objects.map((object) => JSON.stringify(object)).join("\n---\n"));
    const lines = said.trim().split("\n");
    const isWarning = (line: string) => /warning|would violate/i.test(line);
    expect(lines.filter((line) => !isWarning(line))).toHaveLength(objects.length);
    // Ports of the node are what careful namespaces do not allow.
    const warnings = lines.filter(isWarning);
    if (shape.values?.hostPorts === undefined) expect(warnings).toEqual([]);
    else
      expect(warnings).toEqual([
        expect.stringMatching(/would violate PodSecurity "restricted:latest": hostPort \([^()]*\)$/),
      ]);
  },
);

describe("a release", () => {
  let kubelet: StandInKubelet | undefined;
  afterAll(() => kubelet?.end());

  test("is installed: its pods are admitted to a restricted namespace, and wait for a node", async () => {
    const said = await helm("install", VALUES);
    expect(said).toContain("STATUS: deployed");
    expect(said).not.toMatch(/warning|would violate/i);
    await until(async () => (await pods()).length === 2, PATIENCE_MS);
    expect((await pods()).map(({ status }) => status.phase)).toEqual(["Pending", "Pending"]);
    expect(await troubles("edge")).toEqual([]);
    const kinds = new Set((await installed()).map((name) => name.split("/")[0].split(".")[0]));
    for (const kind of ["deployment", "service", "serviceaccount", "configmap", "role", "rolebinding", "networkpolicy"])
      expect([...kinds]).toContain(kind);
    for (const kind of ["poddisruptionbudget", "servicemonitor", "prometheusrule"]) expect([...kinds]).toContain(kind);
  });

  test("lets its service account watch the endpoints of the service, and an instance with its token serves", async () => {
    const [{ spec }] = await pods();
    const pod = await Pod.start(plane, { namespace: "shop", app: "web", node: "node-a", address: "10.244.1.1" });
    const instance = new Product({
      SERVERS: "k8s://shop/web:http",
      KUBERNETES_SERVICE_HOST: API_HOST,
      KUBERNETES_SERVICE_PORT: `${API_PORT}`,
      KUBERNETES_TOKEN_FILE: plane.put("token", await plane.token("edge", spec.serviceAccountName)),
      KUBERNETES_CA_FILE: plane.file("ca.pem"),
    });
    open.push(pod, instance);
    await instance.started();
    await until(async () => (await instance.servers())[0]?.state === "up", PATIENCE_MS);
    expect(await instance.degraded("discovery")).toBe(0);
    const as = `--as=system:serviceaccount:edge:${spec.serviceAccountName}`;
    const { text } = await plane.kubectl("auth", "can-i", "list", "secrets", "-n", "edge", as);
    expect(text.trim()).toBe("no");
    await instance.end();
  });

  test("rolls out when its pods are ready, and each pod learns the zone of its node", async () => {
    kubelet = StandInKubelet.start(plane, "edge", ["node-a", "node-b"]);
    expect(await works("kubectl", ["rollout", "status", "deployment", "-n", "edge", "--timeout=200s"])).toContain(
      "successfully rolled out",
    );
    const zones = (await pods()).map(({ metadata }) => metadata.labels["topology.kubernetes.io/zone"]);
    expect(zones.every((zone) => zone === "a" || zone === "b")).toBe(true);
  });

  test("keeps one of two pods when nodes are drained", async () => {
    await until(async () => {
      const [budget] = await list("/apis/policy/v1/namespaces/edge/poddisruptionbudgets");
      return budget.status.disruptionsAllowed === 1;
    }, PATIENCE_MS);
    await kubelet?.end(); // nobody ends the evicted pod, and nobody makes its successor ready
    const evict = async ({ metadata }: ApiObject) => {
      const eviction = {
        apiVersion: "policy/v1",
        kind: "Eviction",
        metadata: { name: metadata.name, namespace: "edge" },
      };
      return plane.api("POST", `/api/v1/namespaces/edge/pods/${metadata.name}/eviction`, eviction);
    };
    const [first, second] = await pods();
    await evict(first);
    await expect(evict(second)).rejects.toThrow("429");
    kubelet = StandInKubelet.start(plane, "edge", ["node-a", "node-b"]);
  });

  test("is upgraded pod by pod, when its configuration changes; wrong values change nothing", async () => {
    const before = (await pods()).map(({ metadata }) => metadata.uid);
    expect(await helm("upgrade", { ...VALUES, env: { LB_STRATEGY: "p2c" } }, "--wait", "--timeout", "200s")).toContain(
      "REVISION: 2",
    );
    await until(async () => {
      const now = await pods();
      return now.length === 2 && now.every(({ metadata }) => !before.includes(metadata.uid));
    }, PATIENCE_MS);
    const wrong = plane.program("helm", [
      "upgrade",
      "edge",
      CHART,
      "-n",
      "edge",
      "-f",
      valuesFile({ ...VALUES, replicaCount: "two" }),
    ]);
    expect(await wrong).toMatchObject({ code: 1, stderr: expect.stringContaining("replicaCount") });
    expect(await works("helm", ["status", "edge", "-n", "edge"])).toContain("REVISION: 2");
  });

  test("is rolled back, and taken away without a rest", async () => {
    await works("helm", ["rollback", "edge", "1", "-n", "edge", "--wait", "--timeout", "200s"]);
    const [{ spec }] = await pods();
    expect(JSON.stringify(spec)).not.toContain("p2c");
    await works("helm", ["uninstall", "edge", "-n", "edge", "--wait", "--timeout", "200s"]);
    expect(await installed()).toEqual([]);
    await until(async () => (await pods()).length === 0, PATIENCE_MS);
  });

  test("of Helm 3 is the same, with volumes", async () => {
    const values = valuesFile({ ...VALUES, persistence: { enabled: true } });
    await works("helm3", ["install", "edge", CHART, "-n", "edge", "-f", values]);
    expect((await installed()).filter((name) => name.startsWith("statefulset"))).toHaveLength(1);
    await until(async () => (await list("/api/v1/namespaces/edge/persistentvolumeclaims")).length === 2, PATIENCE_MS);
    await works("helm3", ["uninstall", "edge", "-n", "edge"]);
    await until(async () => (await installed()).every((name) => name.startsWith("persistentvolumeclaim")), PATIENCE_MS);
  });
});

describe("raw manifests", () => {
  const directory = join(ROOT, "deployments/kubernetes");
  const monitoring = join(directory, "monitoring");

  test("are applied, then nothing is left to change, and are taken away", async () => {
    for (const path of [directory, monitoring]) {
      const first = await works("kubectl", ["apply", "--validate=strict", "-f", path]);
      expect(first).not.toMatch(/warning|would violate/i);
      for (const line of first.trim().split("\n")) expect(line).toEndWith(" created");
      // What `apply` says of budgets is "configured", whether anything changes or not.
      expect(await works("kubectl", ["diff", "-f", path])).toBe("");
    }
    const namespace = "/api/v1/namespaces/neurabalancer";
    const deployments = await list("/apis/apps/v1/namespaces/neurabalancer/deployments");
    const wanted = deployments.reduce((sum, { spec }) => sum + spec.replicas, 0);
    await until(async () => (await list(`${namespace}/pods`)).length === wanted, PATIENCE_MS);
    expect(await troubles("neurabalancer")).toEqual([]);
    for (const path of [monitoring, directory]) {
      await works("kubectl", ["delete", "-f", path, "--ignore-not-found", "--timeout=200s"]);
    }
  });
});
