/**
 * `npm run soak`: the product under mixed load for ten minutes (`--minutes <n>`): short requests, kept connections,
 * uploads, clients that abort or read slowly, tunnels, a reload now and then. Prints memory and descriptors of each
 * process over time, and a verdict: at the end both must be where they were after the warm-up. Exit code 1 when not.
 */
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { parseArgs } from "node:util";
import { descriptorsOf, isGood, Load, type Outcome, Product, request, until } from "../test/drill/fixture.ts";

const { values } = parseArgs({ options: { minutes: { type: "string", default: "10" } } });
const DURATION_MS = Number(values.minutes) * 60_000;
if (!(DURATION_MS > 0)) throw new RangeError("--minutes takes a number above 0");

const SAMPLES = 24;
/** Samples before this share of the run do not count: pools, caches and compiled code are still growing. */
const WARM_UP = 0.4;
/** Growth of a process between the middle and the end of the run that is no leak yet. */
const RSS_TOLERANCE = 0.15;
const LARGE_BYTES = 1024 * 1024;
const LARGE = Buffer.alloc(LARGE_BYTES, "x");

function startBackend() {
  return Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(incoming, server) {
      const { pathname } = new URL(incoming.url);
      if (pathname === "/tunnel" && server.upgrade(incoming)) return undefined;
      if (pathname === "/large") return new Response(LARGE);
      if (pathname === "/slow") await Bun.sleep(200);
      return new Response(String((await incoming.arrayBuffer()).byteLength));
    },
    websocket: { message: (socket, message) => void socket.send(message) },
  });
}

/** Reads the first part of a large response, waits, then reads the rest. */
function readSlowly(port: number): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const startedMs = performance.now();
  const socket = connect({ host: "127.0.0.1", port });
  let bytes = 0;
  socket.write("GET /large HTTP/1.1\r\nHost: soak\r\nConnection: close\r\n\r\n");
  socket.on("error", () => {});
  socket.on("data", (data) => {
    if (bytes === 0) {
      socket.pause();
      setTimeout(() => socket.resume(), 1_500);
    }
    bytes += data.length;
  });
  socket.on("close", () => {
    const complete = bytes > LARGE_BYTES;
    resolve({ status: 200, complete, body: "", instance: "", ms: performance.now() - startedMs, error: "" });
  });
  return promise;
}

/** A WebSocket that echoes some messages; one of four is dropped without a good-bye. */
function tunnel(port: number, index: number): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const startedMs = performance.now();
  const socket = new WebSocket(`ws://127.0.0.1:${port}/tunnel`);
  let echoes = 0;
  const end = (complete: boolean): void =>
    resolve({ status: 101, complete, body: "", instance: "", ms: performance.now() - startedMs, error: "" });
  socket.onopen = () => socket.send("0");
  socket.onmessage = () => {
    if (++echoes < 20) setTimeout(() => socket.send(String(echoes)), 25);
    else if (index % 4 === 0) socket.terminate();
    else socket.close();
  };
  socket.onclose = () => end(echoes >= 20);
  socket.onerror = () => end(false);
  return promise;
}

async function kept(port: number): Promise<Outcome> {
  const startedMs = performance.now();
  const response = await fetch(`http://127.0.0.1:${port}/kept`).catch(() => undefined);
  const body = (await response?.text().catch(() => undefined)) ?? "";
  const status = response?.status ?? 0;
  return { status, complete: body !== "", body, instance: "", ms: performance.now() - startedMs, error: "" };
}

interface Sample {
  readonly minute: number;
  readonly rssMb: number[];
  readonly descriptors: number[];
}

function rssMb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? 0) / 1024;
}

const median = (numbers: readonly number[]): number => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];

const backends = [startBackend(), startBackend(), startBackend()];
const product = await new Product({
  SERVERS: backends.map(({ port }) => `http://127.0.0.1:${port}`).join(","),
  ACCESS_LOG: "on",
  UPSTREAM_IDLE_TIMEOUT_MS: "1000",
  IDLE_TIMEOUT_MS: "4000",
}).ready();
process.on("exit", () => product.process.kill()); // whatever goes wrong here, it does not stay behind
const { port } = product;
const pids = [product.process.pid, ...(await product.status()).workers.map(({ pid }) => pid)];
const startedMs = performance.now();

/** Descriptors while nothing is under way: the least of some looks. */
async function descriptorsAtRest(): Promise<number[]> {
  await until(async () => (await product.metric("upstream_idle_connections")) === 0);
  await until(async () => (await product.metric("connections_open ")) === 0);
  const looks: number[][] = [];
  for (let i = 0; i < 20; i++) {
    looks.push(pids.map(descriptorsOf));
    await Bun.sleep(50);
  }
  return pids.map((_, process) => Math.min(...looks.map((look) => look[process])));
}

const atRestBefore = await descriptorsAtRest();
const mix = {
  short: new Load(80, () => request(port)),
  kept: new Load(80, () => kept(port)),
  upload: new Load(5, () => request(port, { method: "POST", body: "u".repeat(100_000) })),
  abort: new Load(10, () => request(port, { path: "/slow", abortAfterMs: 50 })),
  abortLarge: new Load(2, async () => ({ ...(await request(port, { path: "/large", abortAfterMs: 5 })), body: "" })),
  slowReader: new Load(2, () => readSlowly(port)),
  tunnel: new Load(3, (index) => tunnel(port, index)),
};

const samples: Sample[] = [];
console.log("minute   RSS MB: supervisor worker worker   descriptors   requests");
for (let i = 0; i < SAMPLES; i++) {
  await Bun.sleep(Math.max(0, startedMs + ((i + 1) * DURATION_MS) / SAMPLES - performance.now()));
  const minute = (performance.now() - startedMs) / 60_000;
  const sample = { minute, rssMb: pids.map(rssMb), descriptors: pids.map(descriptorsOf) };
  samples.push(sample);
  const sent = Object.values(mix).reduce((sum, each) => sum + each.sent, 0);
  const rss = sample.rssMb.map((mb) => mb.toFixed(0).padStart(4)).join(" ");
  console.log(`${minute.toFixed(1).padStart(6)}   ${rss}   ${sample.descriptors.join(" ")}   ${sent}`);
  if (i % 4 === 3) await product.reload();
}

let bad = 0;
for (const [name, running] of Object.entries(mix)) {
  const { sent, outcomes } = await running.stop();
  // An abort is meant to have no response; a tunnel's status is not one of requests.
  const failed = name.startsWith("abort") ? 0 : outcomes.filter((outcome) => !isGood(outcome)).length;
  bad += failed;
  console.log(`${name}: ${sent} sent, ${failed} failed`);
}
const problems: string[] = bad > 0 ? [`${bad} requests failed`] : [];
const atRestAfter = await descriptorsAtRest();
if (!Bun.deepEquals(atRestBefore, atRestAfter)) {
  problems.push(`descriptors at rest were ${atRestBefore.join(" ")} and are ${atRestAfter.join(" ")}`);
}
const counted = samples.slice(Math.floor(SAMPLES * WARM_UP));
pids.forEach((pid, i) => {
  const early = median(counted.slice(0, counted.length / 2).map((sample) => sample.rssMb[i]));
  const late = median(counted.slice(counted.length / 2).map((sample) => sample.rssMb[i]));
  console.log(`process ${pid}: ${early.toFixed(1)} MB, later ${late.toFixed(1)} MB`);
  if (late > early * (1 + RSS_TOLERANCE)) problems.push(`process ${pid} grew from ${early} to ${late} MB`);
});
const inFlight = await product.inFlight();
if (inFlight !== 0) problems.push(`${inFlight} requests are still counted as in flight`);
const internal = await product.metric("internal_errors_total");
if (internal !== 0) problems.push(`${internal} internal errors`);
const now = (await product.status()).workers.map(({ pid }) => pid);
if (!Bun.deepEquals(now, pids.slice(1))) problems.push("a worker was replaced");
await product.end();
await Promise.all(backends.map((backend) => backend.stop(true)));
console.log(problems.length === 0 ? "flat: nothing grows, nothing is lost" : `NOT FLAT: ${problems.join("; ")}`);
process.exit(problems.length === 0 ? 0 : 1);
