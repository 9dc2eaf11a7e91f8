/** Measures one row: all proxies in turn, round after round. */
import { h2loadVersion } from "./h2load.ts";
import type { Harness, Sample } from "./harness.ts";
import type { RunningProxy } from "./proxies.ts";
import type { Row } from "./rows.ts";

/** What one peer did in one row. */
export interface PeerResult {
  readonly peer: string;
  /** One sample per round. Empty for the memory of idle connections. */
  readonly samples: readonly Sample[];
  /** Resident memory after the row, bytes. */
  readonly rssBytes: number;
  /** Lines in the access log beyond one per request; negative = it dropped some. */
  readonly logDifference: number;
  /** Only for the row of idle connections. */
  readonly bytesPerConnection: number | null;
}

export interface RowResult {
  readonly row: string;
  readonly accessLog: boolean;
  readonly peers: readonly PeerResult[];
}

export interface Effort {
  readonly rounds: number;
  /** What a measurement should take for the slowest peer, seconds. */
  readonly seconds: number;
  /** Load before the first measurement of a row, seconds: compilers and pools reach their steady state. */
  readonly warmUpSeconds: number;
}
/**
 * Requests before each measurement, as a share of those that are measured: new connections on both sides have found their
 * windows and buffers then (proxies keep idle connections to servers for different times).
 */
const RUN_UP_SHARE = 0.4;
/** Share of what the slowest can do that all get when the load is to be equal. */
const PACED_SHARE = 0.4;

/** Measures `row` with the proxies whose access log is on (or off). Throws an `Error` on any wrong answer. */
export async function measureRow(
  harness: Harness,
  row: Row,
  accessLog: boolean,
  effort: Effort,
  now: () => number,
): Promise<RowResult> {
  const proxies = harness.proxies.filter((proxy) => proxy.accessLog === accessLog && canServe(proxy, row));
  for (const proxy of proxies) proxy.emptyLog();
  const peers =
    row.kind === "idle" ? await measureIdle(harness, row, proxies) : await measureLoad(harness, row, proxies, effort);
  const checked: PeerResult[] = [];
  for (const [index, peer] of peers.entries()) {
    checked.push({ ...peer, logDifference: await proxies[index].checkLog(now) });
  }
  return { row: row.name, accessLog, peers: checked };
}

/** The floor looks at nothing: it cannot know when a connection is to be closed. */
function canServe({ peer, tlsPort }: RunningProxy, { load, tls, workers }: Row): boolean {
  if (load.streams > 0 && !isHttp2Served({ peer })) return false;
  return (!tls || tlsPort > 0) && (peer.proxies || (!load.connectionPerRequest && workers === 1));
}

/** There are clients of HTTP/2, and a relay of bytes is no proxy between them and servers of HTTP/1.1. */
export function isHttp2Served({ peer }: Pick<RunningProxy, "peer">): boolean {
  return peer.proxies && h2loadVersion() !== null;
}

async function measureLoad(
  harness: Harness,
  row: Row,
  proxies: readonly RunningProxy[],
  effort: Effort,
): Promise<PeerResult[]> {
  let slowest = Number.POSITIVE_INFINITY;
  for (const proxy of proxies) {
    await harness.open(proxy, row.load, row.tls);
    const { requests, seconds } = await harness.run(proxy, Number.MAX_SAFE_INTEGER, effort.warmUpSeconds);
    await harness.close();
    slowest = Math.min(slowest, requests / seconds);
  }
  const ratePerSecond = row.kind === "paced" ? Math.floor(slowest * PACED_SHARE) : 0;
  const requests = Math.max(row.load.connections, Math.ceil(effort.seconds * (ratePerSecond || slowest)));
  const samples = proxies.map((): Sample[] => []);
  for (let round = 0; round < effort.rounds; round++) {
    for (let turn = 0; turn < proxies.length; turn++) {
      const which = (turn + round) % proxies.length; // nobody is always the first or the last
      await harness.open(proxies[which], { ...row.load, ratePerSecond }, row.tls);
      await harness.run(proxies[which], Math.ceil(requests * RUN_UP_SHARE), Number.MAX_SAFE_INTEGER);
      samples[which].push(await harness.run(proxies[which], requests, Number.MAX_SAFE_INTEGER));
      await harness.close();
    }
  }
  return proxies.map((proxy, which) => {
    const { rssBytes } = proxy.usage();
    return { peer: proxy.peer.name, samples: samples[which], rssBytes, logDifference: 0, bytesPerConnection: null };
  });
}

async function measureIdle(harness: Harness, row: Row, proxies: readonly RunningProxy[]): Promise<PeerResult[]> {
  const results: PeerResult[] = [];
  for (const proxy of proxies) {
    const before = proxy.usage().pssBytes;
    await harness.open(proxy, row.load, row.tls);
    const { pssBytes, rssBytes } = proxy.usage();
    await harness.close();
    const bytesPerConnection = (pssBytes - before) / row.load.connections;
    results.push({ peer: proxy.peer.name, samples: [], rssBytes, logDifference: 0, bytesPerConnection });
  }
  return results;
}
