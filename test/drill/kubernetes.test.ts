/** The product before a service of Kubernetes: pods that end, and an API server that is away. */
import { expect, test } from "bun:test";
import { endedAfterAll } from "../support/ended-after-all.ts";
import { ScriptedApiServer, sliceOf, terminating } from "../support/kubernetes/api-server.ts";
import { answer, Product, request, type Scripted, startScripted, until } from "./fixture.ts";

const open = endedAfterAll();

/** All test pods have one address, so each has a slice with a port of its own. */
function sliceFor({ port }: Scripted, ...endpoints: Parameters<typeof sliceOf>[1]) {
  return sliceOf(`web-${port}`, endpoints, { ports: [{ name: "http", port }] });
}

async function start(count: number, settings: Readonly<Record<string, string>> = {}) {
  const api = await ScriptedApiServer.start();
  const pods = await Promise.all(Array.from({ length: count }, async () => (await startScripted(answer))[0]));
  for (const pod of pods) api.put(sliceFor(pod, "127.0.0.1"));
  const kubernetes = { SERVERS: "k8s://shop/web:http", KUBERNETES_API_SERVER: api.url };
  const product = await new Product({ ...kubernetes, ...settings }).ready();
  open.push(product, api, ...pods);
  await until(() => api.watches === 1);
  await until(async () => {
    const states = (await product.servers()).map(({ state }) => state);
    return states.length === count && !states.includes("starting");
  });
  return { api, pods, product };
}

test("a pod that ends drains while requests flow: what it has finishes, the others get what comes, and nobody notices", async () => {
  const {
    api,
    pods: [leaving, staying],
    product,
  } = await start(2);
  expect((await product.servers()).map(({ state }) => state)).toEqual(["up", "up"]);
  const release = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  leaving.behaviour = (socket, path, count) => {
    if (path !== "/long") return answer(socket, path, count);
    held.resolve();
    void release.promise.then(() => answer(socket, path, count));
  };
  staying.behaviour = (socket, path, count) => {
    if (path !== "/long") return answer(socket, path, count);
    socket.write("HTTP/1.1 409 Elsewhere\r\nContent-Length: 0\r\n\r\n"); // this one is to be asked of the other
  };
  let long = request(product.port, { path: "/long" });
  while ((await Promise.race([long.then(({ status }) => status), held.promise])) === 409) {
    long = request(product.port, { path: "/long" });
  }

  api.put(sliceFor(leaving, terminating("127.0.0.1")));
  await until(async () => (await product.server(leaving.port)).state === "draining");
  const { requests } = leaving;
  for (let i = 0; i < 40; i++) expect((await request(product.port)).body).toBe(String(staying.port));
  expect(leaving.requests).toBe(requests);
  expect(await product.server(leaving.port)).toMatchObject({ active_connections: 1, state: "draining" });

  api.drop(`web-${leaving.port}`);
  release.resolve();
  expect(await long).toMatchObject({ status: 200, body: String(leaving.port) });
  await until(async () => (await product.servers()).length === 1);
  expect((await request(product.port)).status).toBe(200);
});

test("the zones that Kubernetes tells, and its hints, are those that PREFER_ZONE goes by", async () => {
  const { api, pods, product } = await start(2, { PREFER_ZONE: "on", APP_ZONE: "b" });
  const [near, far] = pods;
  api.put(sliceFor(near, { addresses: ["127.0.0.1"], zone: "b" }));
  api.put(sliceFor(far, { addresses: ["127.0.0.1"], zone: "a" }));
  await until(async () => (await product.server(far.port)).state === "standby");
  for (let i = 0; i < 20; i++) expect((await request(product.port)).body).toBe(String(near.port));
  const meantFor = (name: string) => ({ hints: { forZones: [{ name }] } });
  api.put(sliceFor(near, { addresses: ["127.0.0.1"], zone: "b", ...meantFor("a") }));
  api.put(sliceFor(far, { addresses: ["127.0.0.1"], zone: "a", ...meantFor("b") }));
  await until(async () => (await product.server(near.port)).state === "standby");
  await until(async () => (await product.server(far.port)).state === "up");
  for (let i = 0; i < 20; i++) expect((await request(product.port)).body).toBe(String(far.port));
});

test("while the API server is away the pods serve, and the instance says that it is degraded", async () => {
  const { api, pods, product } = await start(2);
  expect(await product.degraded("discovery")).toBe(0);
  await api.down();
  await until(async () => (await product.degraded("discovery")) === 1);
  expect((await product.status()).degraded).toContain("discovery");
  for (let i = 0; i < 20; i++) expect((await request(product.port)).status).toBe(200);
  expect((await product.servers()).map(({ state }) => state)).toEqual(["up", "up"]);
  const sentence = "cannot look up shop/web:http in Kubernetes: the addresses last known stay in use";
  await until(() => product.said(sentence));
  expect(product.count(sentence)).toBe(1);
  const [newcomer] = await startScripted(answer);
  open.push(newcomer);
  api.putSilently(sliceFor(newcomer, "127.0.0.1"));
  await api.up();
  await until(async () => (await product.servers()).length === 3);
  await until(async () => (await product.degraded("discovery")) === 0);
  expect(pods).toHaveLength(2);
});
