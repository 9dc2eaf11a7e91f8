/** From samples to the figures of the table. */

import { geometricMean, median, ratios, type Spread, spread } from "../common/statistics.ts";
import type { PeerResult, RowResult } from "./measure.ts";
import type { Row } from "./rows.ts";
import { variantOf } from "./variants.ts";

/** Names under which this checkout and the one it is compared with are measured. */
export const OURS = "ours";
export const BASE = "base";
/** The table's ratio is to the better of these. */
const RIVALS = ["nginx", "haproxy"];

export interface PeerFigures {
  readonly peer: string;
  /** CPU microseconds per request. */
  readonly cpuUs: Spread;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly rssBytes: number;
  readonly bytesPerConnection: number | null;
}

/** What a request costs with one of our variants. */
export interface VariantFigures {
  readonly variant: string;
  /** CPU microseconds per request, of all processes. */
  readonly cpuUs: Spread;
  /** Of these, those of learner, recorder and tracer; 0 where there are none. */
  readonly asideUs: Spread;
  /** Through those of the first variant, from the ratios of the rounds. */
  readonly toFirst: Spread;
  /** The same without these: what the path of a request costs. */
  readonly pathToFirst: Spread;
}

export interface RowFigures {
  readonly row: string;
  readonly accessLog: boolean;
  readonly peers: readonly PeerFigures[];
  /** CPU per request of ours through that of the better rival, from the ratios of the rounds; null without a rival. */
  readonly toBetter: Spread | null;
  readonly better: string | null;
  /** The same against the other checkout. */
  readonly toBase: Spread | null;
  /** In the order in which they were named. */
  readonly variants: readonly VariantFigures[];
}

/** The figures of one row. */
export function summarise(result: RowResult): RowFigures {
  const peers = result.peers.map(figures);
  const measured = peers.filter(({ peer, cpuUs }) => RIVALS.includes(peer) && !Number.isNaN(cpuUs.median));
  const better = measured.toSorted((a, b) => a.cpuUs.median - b.cpuUs.median)[0]?.peer ?? null;
  return {
    row: result.row,
    accessLog: result.accessLog,
    peers,
    better,
    toBetter: better === null ? null : compare(result, better),
    toBase: compare(result, BASE),
    variants: compareVariants(result.peers.filter(isVariant)),
  };
}

function isVariant({ peer, samples }: PeerResult): boolean {
  return samples.length > 0 && variantOf(peer) !== undefined;
}

function compareVariants(results: readonly PeerResult[]): VariantFigures[] {
  const whole = ({ samples }: PeerResult): number[] => samples.map(({ cpuUsPerRequest }) => cpuUsPerRequest);
  const path = ({ samples }: PeerResult): number[] =>
    samples.map(({ cpuUsPerRequest, asideUsPerRequest }) => cpuUsPerRequest - asideUsPerRequest);
  return results.map((result) => ({
    variant: result.peer,
    cpuUs: spread(whole(result)),
    asideUs: spread(result.samples.map(({ asideUsPerRequest }) => asideUsPerRequest)),
    toFirst: spread(ratios(whole(result), whole(results[0]))),
    pathToFirst: spread(ratios(path(result), path(results[0]))),
  }));
}

function figures({ peer, samples, rssBytes, bytesPerConnection }: PeerResult): PeerFigures {
  const middle = (of: (sample: PeerResult["samples"][number]) => number): number => median(samples.map(of));
  return {
    peer,
    cpuUs: spread(samples.map(({ cpuUsPerRequest }) => cpuUsPerRequest)),
    perSecond: middle(({ requests, seconds }) => requests / seconds),
    p50Ms: middle(({ p50Ms }) => p50Ms),
    p99Ms: middle(({ p99Ms }) => p99Ms),
    rssBytes,
    bytesPerConnection,
  };
}

function compare(result: RowResult, with_: string): Spread | null {
  const cpu = (name: string): number[] | undefined =>
    result.peers.find(({ peer }) => peer === name)?.samples.map(({ cpuUsPerRequest }) => cpuUsPerRequest);
  const ours = cpu(OURS);
  const theirs = cpu(with_);
  if (ours === undefined || theirs === undefined || ours.length === 0) return null;
  return spread(ratios(ours, theirs));
}

/** Geometric mean of a ratio over the rows that count; NaN when there is none. */
export function overall(
  figuresOfRows: readonly RowFigures[],
  rows: readonly Row[],
  accessLog: boolean,
  ratio: "toBetter" | "toBase",
): number {
  const scored = new Set(rows.filter((row) => row.scored).map(({ name }) => name));
  const values: number[] = [];
  for (const found of figuresOfRows) {
    const value = found[ratio];
    if (found.accessLog === accessLog && scored.has(found.row) && value !== null) values.push(value.median);
  }
  return geometricMean(values);
}
