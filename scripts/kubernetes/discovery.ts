/**
 * Discovery against a real API server, with EndpointSlices that its own controller makes of services and pods. Started by run.sh.
 * What a kubelet would report of the pods is reported here.
 */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { GoneError, HttpSliceApi, type SliceApi, type SliceEvent } from "../../src/control/discovery/kubernetes/api.ts";
import { type KubernetesPlace, NO_KUBERNETES } from "../../src/control/discovery/kubernetes/place.ts";
import type { SourceContext } from "../../src/control/discovery/source.ts";
import { kubernetesSource } from "../../src/control/discovery/sources/kubernetes.ts";
import { Product, request } from "../../test/drill/fixture.ts";
import { configOf } from "../../test/support/configuration.ts";
import { blocksOf } from "../../test/support/doc-blocks.ts";
import { endedAfterAll } from "../../test/support/ended-after-all.ts";
import { API_HOST, API_PORT, type ApiObject, ControlPlane } from "../../test/support/kubernetes/control-plane.ts";
import { makeNamespace, makeNode, makeService, Pod } from "../../test/support/kubernetes/pods.ts";
import { run } from "../../test/support/processes.ts";
import { until } from "../../test/support/until.ts";

/** Controllers and the product share two processors. */
const PATIENCE_MS = 100_000;
const HEALTH_OFF = { HEALTH_CHECK_ENABLED: "false" };
const open = endedAfterAll();
const plane = await ControlPlane.start();
const caFile = plane.put("ca.crt", plane.authority.cert);
const tokenFile = plane.file("token");
let instance: Product;
let pods: Pod[];

open.push(plane);
await Promise.all([makeNamespace(plane, "shop"), makeNamespace(plane, "edge")]);
await Promise.all([makeNode(plane, "node-a", "a"), makeNode(plane, "node-b", "b")]);
await makeService(plane, "shop", "web");
await plane.api("POST", "/api/v1/namespaces/edge/serviceaccounts", { metadata: { name: "neurabalancer" } });
writeFileSync(tokenFile, await plane.token("edge", "neurabalancer"));

/** As Kubernetes has it in a pod, but for the place of the files. */
const IN_POD = {
  KUBERNETES_SERVICE_HOST: API_HOST,
  KUBERNETES_SERVICE_PORT: `${API_PORT}`,
  KUBERNETES_TOKEN_FILE: tokenFile,
  KUBERNETES_CA_FILE: caFile,
};

function product(settings: Readonly<Record<string, string>> = {}): Product {
  const started = new Product({ SERVERS: "k8s://shop/web:http", ...IN_POD, ...settings });
  open.push(started);
  return started;
}

async function startPod(address: string, node = "node-a", app = "web"): Promise<Pod> {
  const pod = await Pod.start(plane, { namespace: "shop", app, node, address });
  open.push(pod);
  return pod;
}

/** States by address. */
async function states(of = instance): Promise<Record<string, string>> {
  const views = (await of.servers()) as unknown as { readonly address: string; readonly state: string }[];
  return Object.fromEntries(views.map(({ address, state }) => [address, state]));
}

async function shows(wanted: Record<string, string>, of = instance): Promise<void> {
  await until(async () => Bun.deepEquals(await states(of), wanted), PATIENCE_MS).catch(async () => {
    expect(await states(of)).toEqual(wanted);
  });
}

async function answers(times: number, of = instance): Promise<Set<string>> {
  const bodies = new Set<string>();
  for (let i = 0; i < times; i++) {
    const { status, body } = await request(of.port);
    expect(status).toBe(200);
    bodies.add(body);
  }
  return bodies;
}

/** A source in this process, whose watches are short. */
function watched(api: SliceApi, servers = "k8s://shop/web:http") {
  const lines: string[] = [];
  const say = (fields: Readonly<Record<string, unknown>>, message: string) =>
    void lines.push(`${message} ${fields.error}`);
  const nowMs = () => performance.now();
  const context: SourceContext = {
    resolver: { lookup: () => Promise.reject(new Error("no")), srv: () => Promise.reject(new Error("no")) },
    chooseLoopback: async (addresses) => addresses[0],
    log: { info: say, warn: say, error: say },
    nowMs,
    random: Math.random,
    dns: () => ({ minTtlMs: 1_000, maxTtlMs: 60_000 }),
    surroundings: () => ({ kubernetes: NO_KUBERNETES, zone: null }),
    counts: { resolutions: 0, failures: 0 },
    onSettled: () => {},
  };
  const source = kubernetesSource(configOf({ SERVERS: servers }).servers.list[0], context, api);
  const timer = setInterval(() => source.tick(nowMs()), 20);
  const end = () => {
    clearInterval(timer);
    source.close();
  };
  open.push({ end });
  return { source, lines, end };
}

function place(more: Partial<KubernetesPlace> = {}): KubernetesPlace {
  return { ...NO_KUBERNETES, serviceHost: API_HOST, servicePort: API_PORT, tokenFile, caFile, ...more };
}

test("without its Role an instance says what is missing; with that of the documentation it serves, and may do nothing else", async () => {
  pods = [await startPod("10.244.1.1"), await startPod("10.244.1.2")];
  instance = product();
  await instance.started();
  await until(() => instance.said("cannot look up shop/web:http in Kubernetes"), PATIENCE_MS);
  const { error } = instance.said("cannot look up shop/web:http")!;
  expect(error).toStartWith(
    "the API server does not allow it (403): whoever asks (the service account, in a pod) needs a Role in namespace shop with list and watch on endpointslices",
  );
  expect(error).toContain('User "system:serviceaccount:edge:neurabalancer" cannot list resource "endpointslices"');
  expect(await instance.degraded("discovery")).toBe(1);

  const role = blocksOf("docs/kubernetes.md").find(({ text }) => text.includes("kind: RoleBinding"))!;
  const applied = await plane.program("kubectl", ["apply", "-f", "-"], role.text);
  expect(applied).toMatchObject({ code: 0, text: expect.stringContaining("neurabalancer-discovery created") });
  await shows({ "10.244.1.1": "up", "10.244.1.2": "up" });
  await until(async () => (await instance.degraded("discovery")) === 0);
  expect(instance.count("the API server of Kubernetes answers again")).toBe(1);
  expect(await answers(20)).toEqual(new Set(["10.244.1.1", "10.244.1.2"]));

  const as = "--as=system:serviceaccount:edge:neurabalancer";
  const may = async (...what: string[]) => (await plane.kubectl("auth", "can-i", ...what, as)).text.trim();
  expect(await may("watch", "endpointslices.discovery.k8s.io", "-n", "shop")).toBe("yes");
  expect(await may("watch", "endpointslices.discovery.k8s.io", "-n", "edge")).toBe("no");
  expect(await may("get", "secrets", "-n", "shop")).toBe("no");
  expect(await may("list", "pods", "-n", "shop")).toBe("no");
});

test("check --resolve finds the endpoints as the instance does", async () => {
  const command = [`${import.meta.dir}/../../bin/neurabalancer`, "check", "--resolve"];
  const { code, text, stderr } = await run(command, { cwd: instance.directory, deadlineMs: PATIENCE_MS });
  expect([code, stderr]).toEqual([0, ""]);
  expect(text).toContain("10.244.1.1:8080");
  expect(text).toContain("10.244.1.2:8080");
});

test("pods that come, are not ready, and are again", async () => {
  pods.push(await startPod("10.244.1.3", "node-b"));
  await shows({ "10.244.1.1": "up", "10.244.1.2": "up", "10.244.1.3": "up" });
  await pods[0].report(false);
  await shows({ "10.244.1.2": "up", "10.244.1.3": "up" });
  expect(await answers(20)).toEqual(new Set(["10.244.1.2", "10.244.1.3"]));
  await pods[0].report(true);
  await shows({ "10.244.1.1": "up", "10.244.1.2": "up", "10.244.1.3": "up" });
});

test("a pod that is told to end drains: what is in flight finishes, nothing new comes, and then it is gone", async () => {
  const [leaving] = pods;
  const release = Promise.withResolvers<void>();
  for (const pod of pods) pod.gate = release.promise;
  const long = [];
  while (leaving.held === 0) {
    const before = pods.reduce((sum, { held }) => sum + held, 0);
    long.push(request(instance.port, { path: "/held" }));
    await until(() => pods.reduce((sum, { held }) => sum + held, 0) > before);
  }
  await leaving.terminate();
  await shows({ "10.244.1.1": "draining", "10.244.1.2": "up", "10.244.1.3": "up" });
  const { requests } = leaving;
  expect(await answers(30)).not.toContain(leaving.address);
  expect(leaving.requests).toBe(requests);
  release.resolve();
  for (const { status, complete } of await Promise.all(long)) expect([status, complete]).toEqual([200, true]);
  await shows({ "10.244.1.2": "up", "10.244.1.3": "up" });
  await leaving.finish();
  expect(await answers(10)).toEqual(new Set(["10.244.1.2", "10.244.1.3"]));
});

test("the last pods go on serving while they end, as with kube-proxy", async () => {
  await makeService(plane, "shop", "last");
  const last = await startPod("10.244.2.1", "node-a", "last");
  const own = product({ SERVERS: "k8s://shop/last" });
  await own.ready();
  await shows({ "10.244.2.1": "up" }, own);
  await last.terminate();
  await until(async () => {
    const path =
      "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices?labelSelector=kubernetes.io/service-name=last";
    const { items } = await plane.api("GET", path);
    return items[0]?.endpoints[0]?.conditions.terminating === true;
  }, PATIENCE_MS);
  expect(await answers(10, own)).toEqual(new Set(["10.244.2.1"]));
  await last.finish();
  await until(() => own.said("shop/last has no endpoints"), PATIENCE_MS);
  await own.end();
});

test("zones are those of the nodes; with trafficDistribution the controller's hints say whom each pod is meant for", async () => {
  pods.push(await startPod("10.244.1.4", "node-a"));
  const own = product({ PREFER_ZONE: "on", APP_ZONE: "b" });
  await own.ready();
  await shows({ "10.244.1.2": "standby", "10.244.1.3": "up", "10.244.1.4": "standby" }, own);
  const hints = async () => {
    const path =
      "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices?labelSelector=kubernetes.io/service-name=web";
    const { items } = await plane.api("GET", path);
    const ready = (items as { endpoints: ApiObject[] }[])
      .flatMap(({ endpoints }) => endpoints)
      .filter(({ conditions }) => conditions.ready);
    return ready
      .map(({ zone, hints: said }) => `${zone} for ${said?.forZones?.map(({ name }: ApiObject) => name)}`)
      .sort();
  };
  for (const trafficDistribution of ["PreferClose", "PreferSameZone"]) {
    await plane.patch("/api/v1/namespaces/shop/services/web", { spec: { trafficDistribution } });
    await until(async () => (await hints()).every((one) => !one.includes("undefined")), PATIENCE_MS);
    expect(await hints()).toEqual(["a for a", "a for a", "b for b"]);
  }
  await until(async () => Bun.deepEquals(await answers(20, own), new Set(["10.244.1.3"])), PATIENCE_MS);
  // Where the own zone has nobody who is well, the others are used.
  await pods[2].report(false);
  await shows({ "10.244.1.2": "up", "10.244.1.4": "up" }, own);
  expect(await answers(20, own)).toEqual(new Set(["10.244.1.2", "10.244.1.4"]));
  await pods[2].report(true);
  await shows({ "10.244.1.2": "standby", "10.244.1.3": "up", "10.244.1.4": "standby" }, own);
  await plane.patch("/api/v1/namespaces/shop/services/web", { spec: { trafficDistribution: null } });
  await own.end();
});

test("while the API server is gone the fleet stays and serves; what happens afterwards counts", async () => {
  const before = { "10.244.1.2": "up", "10.244.1.3": "up", "10.244.1.4": "up" };
  await shows(before);
  await plane.killServer();
  await until(async () => (await instance.degraded("discovery")) === 1, PATIENCE_MS);
  expect(await states()).toEqual(before);
  expect(await answers(30)).toEqual(new Set(Object.keys(before)));
  expect(instance.count("the addresses last known stay in use")).toBe(1);
  const again = instance.count("answers again");
  await plane.startServer();
  await until(() => instance.count("answers again") > again, PATIENCE_MS);
  pods.push(await startPod("10.244.1.5"));
  await shows({ ...before, "10.244.1.5": "up" });
});

test("tokens are read again: a new one counts, one that has ended is said, and its successor mends it", async () => {
  const base = "/api/v1/namespaces/edge/secrets";
  await plane.api("POST", base, { metadata: { name: "first" } });
  writeFileSync(tokenFile, await plane.token("edge", "neurabalancer", "first"));
  const api = new HttpSliceApi(() => place(), Math.random, { watchSeconds: 3 });
  const { source, lines, end } = watched(api);
  await until(() => source.servers.length === 4, PATIENCE_MS);
  writeFileSync(tokenFile, await plane.token("edge", "neurabalancer"));
  await plane.api("DELETE", `${base}/first`);
  // Watches last three seconds: some begin with the new token.
  const pod = await startPod("10.244.1.6");
  await until(() => source.servers.length === 5, PATIENCE_MS);
  expect(lines).toEqual([]);

  const ending = plane.withExpiry(await plane.token("edge", "neurabalancer"), Date.now() / 1000 - 50);
  expect((await plane.ask("/version", ending)).status).toBe(200);
  writeFileSync(tokenFile, ending);
  await until(() => source.degraded, PATIENCE_MS);
  expect(lines[0]).toContain("the addresses last known stay in use the API server does not know who we are (401)");
  expect(lines[0]).toContain(`it does not take the token of ${tokenFile} (KUBERNETES_TOKEN_FILE)`);
  expect(source.servers).toHaveLength(5);
  writeFileSync(tokenFile, await plane.token("edge", "neurabalancer"));
  await until(() => !source.degraded, PATIENCE_MS);
  await pod.finish();
  await until(() => source.servers.length === 4, PATIENCE_MS);
  end();
});

test("bookmarks come, and the next watch goes on from there", async () => {
  const real = new HttpSliceApi(() => place(), Math.random, { watchSeconds: 5 });
  const bookmarks: string[] = [];
  const asked: string[] = [];
  let lists = 0;
  const api: SliceApi = {
    list: (...args) => {
      lists++;
      return real.list(...args);
    },
    watch: async (service, version, signal) => {
      asked.push(version);
      const events = await real.watch(service, version, signal);
      return (async function* (): AsyncGenerator<SliceEvent> {
        for await (const event of events) {
          if (event.kind === "bookmark") bookmarks.push(event.version);
          yield event;
        }
      })();
    },
  };
  const { lines, end } = watched(api);
  await until(() => asked.length > 0);
  // Slices of others change, so that there is something to be told of: `asked[0]` is the list's version.
  const other = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes";
  await until(async () => {
    await plane.patch(other, { metadata: { annotations: { moment: `${performance.now()}` } } });
    return bookmarks.some((version) => asked.slice(1).includes(version));
  }, PATIENCE_MS);
  expect([lists, lines]).toEqual([1, []]);
  end();
});

test("a version that etcd has compacted away is gone (410): the source lists anew, and says nothing", async () => {
  const real = new HttpSliceApi(() => place(), Math.random, { watchSeconds: 3 });
  const gate = Promise.withResolvers<void>();
  let lists = 0;
  let watches = 0;
  let gone = 0;
  const noted = (error: Error): never => {
    if (error instanceof GoneError) gone++;
    throw error;
  };
  const api: SliceApi = {
    list: (...args) => {
      lists++;
      return real.list(...args);
    },
    watch: async (service, version, signal) => {
      watches++;
      await gate.promise;
      const events = await real.watch(service, version, signal).catch(noted);
      return (async function* (): AsyncGenerator<SliceEvent> {
        try {
          yield* events;
        } catch (error) {
          noted(error as Error);
        }
      })();
    },
  };
  const { source, lines, end } = watched(api);
  await until(() => watches === 1 && source.servers.length === 4, PATIENCE_MS);
  // Its watch waits at the gate with the version of the list, until nobody remembers that.
  const pod = await startPod("10.244.1.6");
  for (let i = 0; i < 3; i++) await pod.report(i % 2 === 1);
  await pod.report(true);
  await plane.killServer();
  await plane.compact();
  await plane.startServer();
  gate.resolve();
  await until(() => source.servers.length === 5, PATIENCE_MS);
  expect([gone, lists, lines]).toEqual([1, 2, []]);
  await pod.finish();
  await until(() => source.servers.length === 4, PATIENCE_MS);
  end();
});

test("outside of the cluster: a kubeconfig file with a client certificate, and a Role for its user", async () => {
  const { cert, key } = plane.authority.issue("DNS:operator");
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const user = { "client-certificate-data": base64(cert), "client-key-data": base64(key) };
  const kubeconfig = plane.kubeconfig("operator.conf", user);
  const own = new Product({ SERVERS: "k8s://shop/web:http", KUBECONFIG: kubeconfig });
  open.push(own);
  await until(() => own.said("cannot look up shop/web:http"), PATIENCE_MS);
  expect(own.said("cannot look up shop/web:http")!.error).toContain('User "operator" cannot list resource');
  const role = ["--role=neurabalancer-discovery", "--user=operator", "-n", "shop"];
  expect((await plane.kubectl("create", "rolebinding", "operator", ...role)).code).toBe(0);
  await until(async () => Object.keys(await states(own)).length === 4, PATIENCE_MS);
  await own.end();
});

test("1,000 endpoints in slices of a hundred: as many are used as an instance may have, and that is said until it is over", async () => {
  await makeService(plane, "shop", "many");
  const addresses = Array.from({ length: 1_000 }, (_, i) => `10.244.${10 + Math.floor(i / 250)}.${1 + (i % 250)}`);
  const many: Pod[] = [];
  const waiting = [...addresses];
  const work = async () => {
    for (let address = waiting.pop(); address !== undefined; address = waiting.pop())
      many.push(await Pod.startEmpty(plane, { namespace: "shop", app: "many", node: "node-b", address }));
  };
  await Promise.all(Array.from({ length: 20 }, work));
  const path = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices?labelSelector=kubernetes.io/service-name=many";
  const counts = async () => {
    const { items } = await plane.api("GET", path);
    return (items as { endpoints: unknown[] | null }[]).map(({ endpoints }) => endpoints?.length ?? 0);
  };
  await until(async () => (await counts()).reduce((sum, count) => sum + count, 0) === 1_000, PATIENCE_MS);
  expect((await counts()).length).toBeGreaterThanOrEqual(10);

  const own = product({ SERVERS: "k8s://shop/many:http", ...HEALTH_OFF });
  await until(() => own.said("names more servers than the limit of 512: the rest is left out"), PATIENCE_MS);
  await until(async () => Object.keys(await states(own)).length === 512, PATIENCE_MS);
  await Promise.all(many.splice(0, 600).map((pod) => pod.finish()));
  await until(async () => Object.keys(await states(own)).length === 400, PATIENCE_MS);
  expect(Object.keys(await states(own)).sort()).toEqual(many.map(({ address }) => address).sort());
  expect(own.count("shop/many:http is as it should be again")).toBe(1);
  await own.end();
});

test("nothing was said that nobody had to know", async () => {
  const words = instance.lines.filter(({ level }) => level === "warn" || level === "error").map(({ msg }) => msg);
  const expected = "cannot look up shop/web:http in Kubernetes";
  expect(words.filter((msg) => !msg.startsWith(expected) && /Kubernetes|shop\/web/.test(msg))).toEqual([]);
});
