/** The source of services of Kubernetes over real sockets, with an API server that has good and bad days. */
import { afterEach, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resolveServers } from "../../../../../src/cli/resolve-servers.ts";
import { type ApiTimes, HttpSliceApi } from "../../../../../src/control/discovery/kubernetes/api.ts";
import { type KubernetesPlace, NO_KUBERNETES } from "../../../../../src/control/discovery/kubernetes/place.ts";
import type { SourceContext } from "../../../../../src/control/discovery/source.ts";
import { kubernetesSource } from "../../../../../src/control/discovery/sources/kubernetes.ts";
import { type Authority, createAuthority } from "../../../../support/certificates.ts";
import { configOf } from "../../../../support/configuration.ts";
import { refuse, ScriptedApiServer, sliceOf, terminating } from "../../../../support/kubernetes/api-server.ts";
import { until } from "../../../../support/until.ts";

/** How much faster the source's clock goes than ours: it waits seconds between its tries. */
const HASTE = 50;

const opened: { end(): unknown }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.end();
});

let authority: Authority;
beforeAll(() => {
  authority = createAuthority();
});

interface Options {
  readonly servers?: string;
  readonly place?: Partial<KubernetesPlace>;
  readonly zone?: string | null;
  readonly times?: Partial<ApiTimes>;
}

/** A source, asked as the control loop does. */
class Watched {
  readonly lines: string[] = [];
  readonly counts = { resolutions: 0, failures: 0 };
  place: KubernetesPlace;
  zone: string | null;
  /** What is drawn at random. */
  chance = 1;
  readonly source;
  readonly #timer;

  constructor({ servers = "k8s://shop/web:http", place = {}, zone = null, times }: Options) {
    this.zone = zone;
    this.place = { ...NO_KUBERNETES, tokenFile: "/nonexistent/token", caFile: "/nonexistent/ca", ...place };
    const say = (level: string) => (fields: Readonly<Record<string, unknown>>, message: string) =>
      void this.lines.push([level, message, fields.error].filter((part) => part !== undefined).join(" | "));
    const nowMs = () => performance.now() * HASTE;
    const context: SourceContext = {
      resolver: { lookup: () => Promise.reject(new Error("no")), srv: () => Promise.reject(new Error("no")) },
      chooseLoopback: async (addresses) => addresses[0],
      log: { info: say("info"), warn: say("warn"), error: say("error") },
      nowMs,
      random: () => 1,
      dns: () => ({ minTtlMs: 1_000, maxTtlMs: 60_000 }),
      surroundings: () => ({ kubernetes: this.place, zone: this.zone }),
      counts: this.counts,
      onSettled: () => {},
    };
    const [spec] = configOf({ SERVERS: servers }).servers.list;
    this.source = kubernetesSource(
      spec,
      context,
      new HttpSliceApi(
        () => this.place,
        () => this.chance,
        times,
      ),
    );
    this.#timer = setInterval(() => this.source.tick(nowMs()), 5);
  }

  get addresses(): string[] {
    return this.source.servers.map(({ address, port }) => `${address}:${port}`);
  }

  async has(...addresses: string[]): Promise<void> {
    await until(() => Bun.deepEquals(this.addresses, addresses));
  }

  /** It has said so, once; in full words. */
  async said(text: string): Promise<string> {
    await until(() => this.lines.some((line) => line.includes(text)));
    return this.lines.find((line) => line.includes(text))!;
  }

  end(): void {
    clearInterval(this.#timer);
    this.source.close();
  }
}

async function serve(certificate: ReturnType<Authority["issue"]> | null = null): Promise<ScriptedApiServer> {
  const server = await ScriptedApiServer.start(certificate);
  opened.push(server);
  return server;
}

function watch(server: ScriptedApiServer, options: Options = {}): Watched {
  const watched = new Watched({ ...options, place: { apiServer: server.url, ...options.place } });
  opened.unshift(watched);
  return watched;
}

/** Files that are gone after the test. */
function files(contents: Readonly<Record<string, string>>): (name: string) => string {
  const directory = mkdtempSync(join(tmpdir(), "nb-kubernetes-"));
  const path = (name: string) => join(directory, name);
  for (const [name, content] of Object.entries(contents)) writeFileSync(path(name), content);
  opened.push({ end: () => rmSync(directory, { recursive: true, force: true }) });
  return path;
}

test("list and watch: endpoints come, change and go; nothing is said of it", async () => {
  const server = await serve();
  server.put(sliceOf("web-a", ["10.0.0.1", "10.0.0.2"]));
  const watched = watch(server);
  await watched.has("10.0.0.1:8080", "10.0.0.2:8080");
  await until(() => server.watches === 1);
  server.put(sliceOf("web-b", ["10.0.0.3"], { ports: [{ name: "http", port: 9090 }] }));
  await watched.has("10.0.0.1:8080", "10.0.0.2:8080", "10.0.0.3:9090");
  server.put(sliceOf("web-a", [terminating("10.0.0.1"), "10.0.0.2"]));
  await watched.has("10.0.0.2:8080", "10.0.0.3:9090");
  server.drop("web-a");
  await watched.has("10.0.0.3:9090");
  expect(watched.lines).toEqual([]);
  expect(watched.source.degraded).toBe(false);
  expect(watched.source.servers[0]).toMatchObject({ url: "http://web.shop.svc:9090", hostname: "web.shop.svc" });
  const [list, ...watches] = server.asked;
  expect(list.path).toBe("/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices");
  expect(list.query.get("labelSelector")).toBe("kubernetes.io/service-name=web");
  expect(watches[0].query.get("allowWatchBookmarks")).toBe("true");
  expect(server.lists).toBe(1);
});

test("as in a pod: TLS by the authority's file, and the token as it is at each question", async () => {
  const server = await serve(authority.issue("IP:127.0.0.1"));
  server.token = "first";
  server.put(sliceOf("web-a", ["10.0.0.1"]));
  const path = files({ token: "first\n", ca: authority.cert });
  const watched = watch(server, {
    place: {
      apiServer: null,
      serviceHost: "127.0.0.1",
      servicePort: server.port,
      tokenFile: path("token"),
      caFile: path("ca"),
    },
  });
  await watched.has("10.0.0.1:8080");
  await until(() => server.watches === 1);
  server.token = "second";
  writeFileSync(path("token"), "second\n");
  server.endWatches();
  await until(() => server.asked.at(-1)?.authorization === "Bearer second" && server.watches === 1);
  server.put(sliceOf("web-a", ["10.0.0.2"]));
  await watched.has("10.0.0.2:8080");
  expect(watched.lines).toEqual([]);
});

test("an API server that nobody vouches for is shown no token", async () => {
  const server = await serve(createAuthority("another").issue("IP:127.0.0.1"));
  const path = files({ token: "secret", ca: authority.cert });
  const watched = watch(server, { place: { tokenFile: path("token"), caFile: path("ca") } });
  expect(await watched.said("it has no address yet")).toContain("(KUBERNETES_CA_FILE, or KUBECONFIG)");
  expect(server.asked).toEqual([]);
});

test("without TLS no token is shown, and redirects are not followed", async () => {
  const server = await serve();
  const other = await serve();
  server.misbehave = (response) => {
    response.writeHead(302, { location: other.url });
    response.end();
    return true;
  };
  const path = files({ token: "secret" });
  const watched = watch(server, { place: { tokenFile: path("token") } });
  expect(await watched.said("cannot look up shop/web")).toContain("redirects (302)");
  expect(server.asked[0].authorization).toBeUndefined();
  expect(other.asked).toEqual([]);
});

test.each([
  [401, "no token was shown"],
  [403, "needs a Role in namespace shop with list and watch on endpointslices"],
  [404, "Kubernetes 1.21 or later is needed"],
  [500, "answers 500 when asked for shop/web:http: etcd is ill"],
])("%d is said in words, once, and tried again", async (code, words) => {
  const server = await serve();
  server.put(sliceOf("web-a", ["10.0.0.1"]));
  server.misbehave = (response) => refuse(response, code, "etcd is ill");
  const watched = watch(server);
  expect(await watched.said("it has no address yet")).toContain(words);
  await until(() => server.lists >= 3);
  expect(watched.lines).toHaveLength(1);
  expect(watched.source.degraded).toBe(true);
  server.misbehave = () => false;
  await watched.has("10.0.0.1:8080");
  expect(watched.lines.slice(1)).toEqual(["info | the API server of Kubernetes answers again"]);
  expect(watched.source.degraded).toBe(false);
});

test("410 Gone, at the beginning of a watch or within it, means another list, and no word", async () => {
  const server = await serve();
  server.put(sliceOf("web-a", ["10.0.0.1"]));
  const watched = watch(server);
  await watched.has("10.0.0.1:8080");
  await until(() => server.watches === 1);
  server.putSilently(sliceOf("web-a", ["10.0.0.2"]));
  const status = { kind: "Status", code: 410, reason: "Expired", message: "too old resource version" };
  server.say(`${JSON.stringify({ type: "ERROR", object: status })}\n`);
  await watched.has("10.0.0.2:8080");
  await until(() => server.watches === 1);
  server.put(sliceOf("web-a", ["10.0.0.3"])); // an event: the watch is well again
  await watched.has("10.0.0.3:8080");
  const { lists } = server;
  let refused = 0;
  server.misbehave = (response, { watch }) => watch && refused++ === 0 && refuse(response, 410, "Expired");
  server.endWatches();
  await until(() => server.lists > lists && server.watches === 1);
  expect(watched.lines).toEqual([]);
});

test("a watch that is cut in the middle of a line loses nothing", async () => {
  const server = await serve();
  server.put(sliceOf("web-a", ["10.0.0.1"]));
  const watched = watch(server);
  await watched.has("10.0.0.1:8080");
  await until(() => server.watches === 1);
  server.putSilently(sliceOf("web-a", ["10.0.0.2"]));
  server.say('{"type":"MODIFIED","object":{"metadata":{"na');
  server.cutWatches();
  await watched.has("10.0.0.2:8080");
  expect(watched.lines).toEqual([]);
  expect(watched.source.degraded).toBe(false);
});

test("lines come whole however they are cut up", async () => {
  const server = await serve();
  server.put(sliceOf("web-a", ["10.0.0.1"]));
  const watched = watch(server);
  await watched.has("10.0.0.1:8080");
  await until(() => server.watches === 1);
  const slice = sliceOf("web-ü", ["10.0.0.2"]);
  const object = { ...slice, metadata: { ...slice.metadata, resourceVersion: "900" } };
  const bytes = Buffer.from(`\n${JSON.stringify({ type: "ADDED", object })}\n`);
  for (let i = 0; i < bytes.length; i += 7) {
    server.say(bytes.subarray(i, i + 7));
    await Bun.sleep(1);
  }
  await watched.has("10.0.0.1:8080", "10.0.0.2:8080");
});

test.each([
  ["rubbish", "no JSON at all\n", "something that is no JSON"],
  ["a huge line", `${"x".repeat(5 * 1024 * 1024)}\n`, "a line of more than 4096 KB"],
  ["no object", "null\n", "something that is no object"],
  ["nothing of use", '{"type":"ADDED","object":{"metadata":{"resourceVersion":"7"}}}\n', "no EndpointSlice"],
])("%s in each watch: the servers stay, lists go on, and it is said once", async (_what, bytes, words) => {
  const server = await serve();
  server.put(sliceOf("web-a", ["10.0.0.1"]));
  server.misbehave = (response, { watch }) => {
    if (!watch) return false;
    response.writeHead(200);
    response.end(bytes);
    return true;
  };
  const watched = watch(server);
  expect(await watched.said("the addresses last known stay in use")).toContain(words);
  expect(watched.source.degraded).toBe(true);
  server.putSilently(sliceOf("web-a", ["10.0.0.2"]));
  await watched.has("10.0.0.2:8080");
  expect(watched.lines).toHaveLength(1);
  server.misbehave = () => false;
  await until(() => !watched.source.degraded);
  expect(watched.lines).toHaveLength(2);
});

test.each([
  ["at once", () => true],
  [
    "in the middle of a list",
    (response: ServerResponse) => {
      response.writeHead(200);
      return response.write('{"items":[') || true;
    },
  ],
] as const)("an API server that hangs %s has failed after its time", async (_when, misbehave) => {
  const server = await serve();
  server.misbehave = misbehave;
  const watched = watch(server, { times: { answerMs: 100 } });
  expect(await watched.said("it has no address yet")).toContain("does not answer in time");
  await until(() => server.lists >= 3);
  expect(watched.lines).toHaveLength(1);
});

test("a watch that has died silently is noticed after its time, and begins anew without a word", async () => {
  const server = await serve();
  server.put(sliceOf("web-a", ["10.0.0.1"]));
  const watched = watch(server, { times: { watchSeconds: 1, watchGraceMs: 100 } });
  await watched.has("10.0.0.1:8080");
  await until(() => server.watches === 1);
  server.putSilently(sliceOf("web-a", ["10.0.0.2"])); // this one keeps watches open for ever, and says nothing
  await watched.has("10.0.0.2:8080");
  expect(server.asked.find(({ watch }) => watch)?.query.get("timeoutSeconds")).toBe("1");
  expect(watched.lines).toEqual([]);
});

test("watches last as long as each instance draws", async () => {
  const server = await serve();
  const watched = watch(server, { times: { watchSeconds: 100 } });
  await until(() => server.watches === 1);
  watched.chance = 0;
  server.endWatches();
  await until(() => server.asked.length === 3);
  expect(server.asked.map(({ query }) => query.get("timeoutSeconds"))).toEqual([null, "100", "50"]);
});

test("as outside of a cluster: a kubeconfig file, read again with each question, and a client certificate", async () => {
  const server = await serve(authority.issue("IP:127.0.0.1"));
  server.token = "first";
  server.put(sliceOf("web-a", ["10.0.0.1"]));
  const { cert, key } = authority.issue("DNS:somebody");
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const config = (token: string) => `
current-context: here
contexts: [{name: here, context: {cluster: here, user: me}}]
clusters: [{name: here, cluster: {server: "${server.url}", certificate-authority: ca}}]
users: [{name: me, user: {token: ${token}, client-certificate-data: ${base64(cert)}, client-key-data: ${base64(key)}}}]
`;
  const path = files({ ca: authority.cert, config: config("first") });
  const watched = watch(server, { place: { apiServer: null, kubeconfig: path("config") } });
  await watched.has("10.0.0.1:8080");
  await until(() => server.watches === 1);
  server.token = "second";
  server.cutWatches();
  expect(await watched.said("last known stay in use")).toContain(
    `does not take the token of ${path("config")} (KUBECONFIG)`,
  );
  writeFileSync(path("config"), config("second"));
  await watched.said("answers again");
  await until(() => server.watches === 1);
});

test("a list that never ends is not read to the end", async () => {
  const server = await serve();
  server.misbehave = (response) => {
    response.writeHead(200);
    const more = () => void (response.destroyed || response.write(" ".repeat(1024 * 1024), more));
    more();
    return true;
  };
  const watched = watch(server);
  expect(await watched.said("it has no address yet")).toContain("its answer is longer than 16384 KB");
});

test("while it is gone the fleet stays as it was; what happened meanwhile counts when it is back", async () => {
  const server = await serve();
  server.put(sliceOf("web-a", ["10.0.0.1", "10.0.0.2"]));
  const watched = watch(server);
  await watched.has("10.0.0.1:8080", "10.0.0.2:8080");
  await until(() => server.watches === 1);
  await server.down();
  await watched.said("the addresses last known stay in use");
  const { failures } = watched.counts;
  await until(() => watched.counts.failures > failures + 3);
  expect(watched.addresses).toEqual(["10.0.0.1:8080", "10.0.0.2:8080"]);
  expect(watched.lines).toHaveLength(1);
  server.putSilently(sliceOf("web-a", ["10.0.0.2", "10.0.0.3"]));
  await server.up();
  await watched.has("10.0.0.2:8080", "10.0.0.3:8080");
  expect(watched.lines.slice(1)).toEqual(["info | the API server of Kubernetes answers again"]);
});

test("a service that nobody knows is empty, and that is said", async () => {
  const server = await serve();
  const watched = watch(server, { servers: "k8s://shop/nobody" });
  expect(await watched.said("has no EndpointSlice")).toStartWith("warn | shop/nobody");
  expect(watched.source.degraded).toBe(false);
});

test("check --resolve shows what it comes to, and why it comes to nothing", async () => {
  const server = await serve();
  server.put(sliceOf("web-a", ["10.0.0.1", "10.0.0.2"]));
  const { list } = configOf({ SERVERS: "k8s://shop/web,k8s://shop/nobody" }).servers;
  const surroundings = { kubernetes: { ...NO_KUBERNETES, apiServer: server.url }, zone: null };
  expect(await resolveServers(list, surroundings)).toEqual([
    { url: "k8s://shop/web", addresses: ["10.0.0.1:8080", "10.0.0.2:8080"], error: null },
    { url: "k8s://shop/nobody", addresses: [], error: expect.stringContaining("has no EndpointSlice") },
  ]);
  const [nowhere] = await resolveServers(list, { kubernetes: NO_KUBERNETES, zone: null });
  expect(nowhere.error).toContain("set KUBECONFIG, or KUBERNETES_API_SERVER");
  expect(server.watches).toBe(0);
});

test("a reload that names another zone goes by the hints for that, without asking", async () => {
  const server = await serve();
  const hints = { forZones: [{ name: "a" }, { name: "b" }] };
  server.put(sliceOf("web-a", [{ addresses: ["10.0.0.1"], hints }]));
  const watched = watch(server, { zone: "b" });
  await until(() => watched.source.servers[0]?.zone === "b");
  await until(() => server.watches === 1);
  watched.zone = "c";
  await until(() => watched.source.servers[0].zone === "a");
  expect(server.asked).toHaveLength(2);
});

test("a reload that names another API server asks that one", async () => {
  const [server, other] = [await serve(), await serve()];
  server.put(sliceOf("web-a", ["10.0.0.1"]));
  other.put(sliceOf("web-a", ["10.0.0.2"]));
  const watched = watch(server);
  await watched.has("10.0.0.1:8080");
  await until(() => server.watches === 1);
  watched.place = { ...watched.place, apiServer: other.url };
  await watched.has("10.0.0.2:8080");
  await until(() => server.watches === 0);
});
