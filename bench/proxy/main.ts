/** The proxy benchmark: see `HELP` in options.ts, and docs/performance.md for the method. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { stopAll } from "../common/children.ts";
import { describeMachine } from "../common/machine.ts";
import { runAsProgram } from "../common/run-as-program.ts";
import type { Load } from "../load/messages.ts";
import { makeCertificate } from "./certificate.ts";
import { Harness } from "./harness.ts";
import { isHttp2Served, measureRow, type RowResult } from "./measure.ts";
import { HELP, type Options, parseOptions } from "./options.ts";
import { CADDY } from "./peers/caddy.ts";
import { FLOOR } from "./peers/floor.ts";
import { HAPROXY } from "./peers/haproxy.ts";
import { NGINX } from "./peers/nginx.ts";
import { neuraBalancer } from "./peers/ours.ts";
import type { Peer } from "./peers/peer.ts";
import { renderPlot } from "./plot.ts";
import type { RunningProxy } from "./proxies.ts";
import { progressLine, type Report, renderReport } from "./report.ts";
import { type Row, selectRows } from "./rows.ts";
import { checkWork } from "./same-work.ts";
import { BASE, OURS, type RowFigures, summarise } from "./summary.ts";
import { variantOf } from "./variants.ts";

const ROOT = resolve(import.meta.dir, "../..");
/** The lines of what was asked until here are in the logs after this. */
const LOG_SETTLE_MS = 1000;
/** A process that has just started is warmed up so many times as long as before a row, with each of a few loads. */
const YOUTH = 2;
const now = (): number => performance.now();
const say = (text: string): void => console.error(text);

/** Peers that are there; says which are not, and where they come from. */
function findPeers(options: Options): Peer[] {
  const wanted = [neuraBalancer(OURS, "NeuraBalancer", ROOT)];
  if (options.base !== null) wanted.push(neuraBalancer(BASE, "base", resolve(options.base)));
  const variants = options.peers.map(variantOf).filter((variant) => variant !== undefined);
  wanted.push(...variants.map((variant) => neuraBalancer(variant.name, variant.name, ROOT, variant)));
  wanted.push(...[NGINX, HAPROXY, CADDY, FLOOR].filter(({ name }) => options.peers.includes(name)));
  return wanted.filter((peer) => {
    if (peer.version() !== null) return true;
    const hint =
      peer.name === BASE
        ? "it has no bin/neurabalancer"
        : `install the system's package, e.g. apt install ${peer.name}`;
    say(`missing: ${peer.title} (${hint})`);
    return false;
  });
}

/** What a process has to do before these rows. */
function youthOf(rows: readonly Row[], proxy: RunningProxy): readonly Load[] {
  if (rows[0].kind === "idle") return []; // what a load leaves free would hide what connections take
  const young = ["small", "post-64k", "body-64k"];
  const youngHttp2 = ["h2", "h2-post-64k", "h2-body-64k"];
  // Servers of HTTP/2 have one response: it is asked for as long as the others are.
  if (rows.every(({ servers }) => servers === "http2")) return young.flatMap(() => [rows[0].load, rows[0].load]);
  const http2 = rows.some(({ load }) => load.streams > 0) && isHttp2Served(proxy);
  return selectRows(http2 ? [...young, ...youngHttp2] : young).map(({ load }) => load);
}

/** A young process is not what one measures: it is still being compiled, and its pools are empty. */
async function warmUp(harness: Harness, proxy: RunningProxy, rows: readonly Row[], seconds: number): Promise<void> {
  for (const load of youthOf(rows, proxy)) {
    await harness.open(proxy, load, false);
    await harness.run(proxy, Number.MAX_SAFE_INTEGER, seconds);
    await harness.close();
  }
}

/**
 * Rows that can share their proxies: those with the same number of workers and the same servers. Idle connections get young ones for each row, or
 * they would be put into memory that an earlier one has left.
 */
function groups(rows: readonly Row[]): Row[][] {
  const found = new Map<string, Row[]>();
  for (const row of rows) {
    const key = `${row.workers} ${row.servers} ${row.kind === "idle" ? row.name : ""}`;
    found.set(key, [...(found.get(key) ?? []), row]);
  }
  return [...found.values()];
}

async function measureGroup(
  options: Options,
  peers: readonly Peer[],
  directory: string,
  rows: readonly Row[],
  report: (result: RowResult) => void,
): Promise<void> {
  const certificate = makeCertificate(directory);
  const cores = cpus().length;
  const { workers, servers } = rows[0];
  const harness = await Harness.start({
    directory,
    certFile: certificate?.certFile ?? "",
    keyFile: certificate?.keyFile ?? "",
    workers,
    servers,
    accessLogs: options.accessLogs,
    peers: servers === "http2" ? peers.filter(({ asksHttp2 }) => asksHttp2) : peers,
    pin: workers === 1 && cores > 1 && Bun.which("taskset") !== null ? options.pin : "none",
    cores,
    now,
  });
  try {
    if (servers === "http1") for (const proxy of harness.proxies) for (const note of await checkWork(proxy)) say(note);
    for (const proxy of harness.proxies) {
      await warmUp(harness, proxy, rows, YOUTH * options.effort.warmUpSeconds);
    }
    await Bun.sleep(LOG_SETTLE_MS);
    for (const row of rows) {
      if (row.tls && certificate === null) {
        say(`skipped: ${row.title} (there is no openssl to make a certificate)`);
        continue;
      }
      for (const accessLog of options.accessLogs) {
        if (row.kind === "idle" && accessLog !== options.accessLogs[0]) continue; // a log line does not stay
        report(await measureRow(harness, row, accessLog, options.effort, now));
      }
    }
  } finally {
    await harness.stop();
  }
}

/** A request without its line was not the same work. HAProxy's threads drop some when they write at the same time. */
function logNotes({ row, peers }: RowResult): string[] {
  return peers
    .filter(({ logDifference }) => logDifference !== 0)
    .map(({ peer, logDifference }) => {
      const what = logDifference < 0 ? "missing from" : "too many in";
      return `note: ${Math.abs(logDifference)} access log lines ${what} ${peer}'s log of row ${row}`;
    });
}

async function run(options: Options): Promise<void> {
  if (process.platform !== "linux") throw new Error("the benchmark reads /proc: it needs Linux");
  const peers = findPeers(options);
  const directory = mkdtempSync(join(process.platform === "linux" ? "/dev/shm" : tmpdir(), "bench-neurabalancer-"));
  const results: RowResult[] = [];
  const figures: RowFigures[] = [];
  try {
    for (const [index, rows] of groups(options.rows).entries()) {
      const own = join(directory, String(index));
      mkdirSync(own);
      await measureGroup(options, peers, own, rows, (result) => {
        results.push(result);
        const found = summarise(result);
        figures.push(found);
        const row = options.rows.find(({ name }) => name === result.row);
        if (row !== undefined) say(progressLine(row, found));
        for (const note of logNotes(result)) say(note);
      });
    }
  } finally {
    await stopAll();
    rmSync(directory, { recursive: true, force: true });
  }
  const report: Report = {
    machine: describeMachine(Date.now()),
    peers: peers.map((peer) => ({ name: peer.name, title: peer.title, version: peer.version() ?? "" })),
    rows: options.rows,
    figures,
    rounds: options.effort.rounds,
  };
  console.log(renderReport(report, options.markdown));
  if (options.jsonFile !== null) {
    const { machine, peers: measured } = report;
    await Bun.write(options.jsonFile, `${JSON.stringify({ machine, peers: measured, figures, results }, null, 1)}\n`);
  }
  if (options.svgFile !== null) await Bun.write(options.svgFile, renderPlot(report));
}

await runAsProgram({ name: "bench:proxy", parse: (args) => parseOptions(args) ?? HELP, run, cleanUp: stopAll });
