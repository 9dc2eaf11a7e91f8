/** What the balancer says of its servers (`GET /api/v1/servers`), and each one's share of the recent traffic. */
import { z } from "zod";
import { ReservedPath } from "../shared/reserved-paths.ts";
import { visible } from "../shared/visible-text.ts";

const reportSchema = z.array(
  z.object({
    id: z.number(),
    url: z.string(),
    alive: z.boolean(),
    active_connections: z.number(),
    /** Finer than `alive`: up, down, draining, ejected. */
    state: z.string().optional(),
    reason: z.string().optional(),
    requests: z.number().default(0),
    response_ms: z.object({ p95: z.number().nullable() }).nullish(),
    cpu_usage: z.number().nullish(),
  }),
);

/** One server, as `/api/v1/servers` tells it. */
export interface ServerReport {
  readonly url: string;
  readonly state: string;
  /** Why it is in that state, in words; may be empty. */
  readonly reason: string;
  readonly inFlight: number;
  /** Requests since the balancer started. */
  readonly requests: number;
  readonly p95Ms: number | null;
  /** Percent of one core, as the server measured it. */
  readonly cpuPercent: number | null;
}

/** Reads the response's JSON. Throws when it is not of the contract. */
export function parseFleetReport(json: unknown): readonly ServerReport[] {
  return reportSchema.parse(json).map((server) => ({
    url: visible(server.url),
    state: visible(server.state ?? (server.alive ? "up" : "down")),
    reason: visible(server.reason ?? ""),
    inFlight: server.active_connections,
    requests: server.requests,
    p95Ms: server.response_ms?.p95 ?? null,
    cpuPercent: server.cpu_usage ?? null,
  }));
}

/** What an instance says of thousands of servers is less. */
const MOST_BYTES = 8_000_000;

/**
 * Asks the balancer itself: no proxy of the environment, and nobody whom it names instead. Throws when it has not answered
 * within a second. @param how more that `fetch` is told.
 */
export async function fetchFleetReport(
  balancerUrl: string,
  how: BunFetchRequestInit = {},
): Promise<readonly ServerReport[]> {
  const response = await fetch(`${balancerUrl}${ReservedPath.SERVERS}`, {
    ...how,
    proxy: false,
    redirect: "manual",
    signal: AbortSignal.timeout(1000),
  });
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`${ReservedPath.SERVERS} answered ${response.status}`);
  }
  return parseFleetReport(JSON.parse(await boundedText(response)));
}

/** The body of whoever it is that was asked: an endless one is left. */
async function boundedText({ body }: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of body ?? []) {
    length += piece.byteLength;
    if (length > MOST_BYTES) throw new Error(`${ReservedPath.SERVERS} answered more than ${MOST_BYTES} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}

/** Traffic of one server over the window. */
export interface ServerTraffic {
  readonly requests: number;
  readonly perSecond: number;
  /** Of all servers' traffic, 0 … 1; NaN when there was none. */
  readonly share: number;
}

/** Turns the growing counters of successive reports into rates and shares over the last `windowMs`. */
export class TrafficWindow {
  readonly #windowMs: number;
  readonly #samples: { readonly atMs: number; readonly requests: ReadonlyMap<string, number> }[] = [];

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  add(atMs: number, reports: readonly ServerReport[]): void {
    this.#samples.push({ atMs, requests: new Map(reports.map((report) => [report.url, report.requests])) });
    // The oldest sample kept is the last one at least a window old, so that the window is full.
    while (this.#samples.length > 2 && this.#samples[1].atMs <= atMs - this.#windowMs) this.#samples.shift();
  }

  /** Two reports were added: there is something between them. */
  get isFull(): boolean {
    return this.#samples.length > 1;
  }

  /** Of all servers. */
  get requests(): number {
    let total = 0;
    for (const { requests } of this.traffic().values()) total += requests;
    return total;
  }

  /** By URL. Empty until two reports were added. */
  traffic(): ReadonlyMap<string, ServerTraffic> {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    const result = new Map<string, ServerTraffic>();
    if (!first || !last || first === last) return result;
    // A counter that fell was restarted: it counts from zero.
    const grown = [...last.requests].map(([url, now]) => {
      const before = first.requests.get(url) ?? 0;
      return [url, now >= before ? now - before : now] as const;
    });
    const total = grown.reduce((sum, [, count]) => sum + count, 0);
    for (const [url, count] of grown) {
      result.set(url, {
        requests: count,
        perSecond: (count * 1000) / (last.atMs - first.atMs),
        share: total > 0 ? count / total : Number.NaN,
      });
    }
    return result;
  }
}
