/** Servers behind the product in which everything happens: good ones, a failing one, slow ones, one with TLS, one that is not there. */
import type { Certificate } from "../../support/certificates.ts";

/** The headers of one request, as a server got it. */
export interface Arrived {
  readonly path: string;
  readonly headers: Headers;
}

/** One server. */
export interface Backend {
  readonly url: string;
  /** What arrived beside checks and polls, the last at the end. */
  readonly arrived: Arrived[];
  stop(): void;
}

export interface BackendOptions {
  readonly latencyMs?: number;
  /** What it answers for a path; `null` = an ordinary response. */
  readonly fails?: (path: string) => number | null;
  readonly tls?: Certificate;
}

/** Takes longer than what dashboards call slow. */
export const SLOW_PATH = "/slow";
const SLOW_MS = 1_100;
const LONG_TEXT = "All that is said again and again can be said in fewer bytes. ".repeat(200);

/** Starts one on a free port. It answers checks, and polls with what it uses. */
export function startBackend({ latencyMs = 2, fails = () => null, tls }: BackendOptions = {}): Backend {
  const arrived: Arrived[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    ...(tls && { tls }),
    fetch: async ({ url, headers }) => {
      const { pathname } = new URL(url);
      if (pathname === "/metrics") return Response.json({ cpu_usage: 12.5, memory_usage: 40 });
      if (pathname === "/health") return new Response("ok");
      arrived.push({ path: pathname, headers });
      await Bun.sleep(pathname === SLOW_PATH ? SLOW_MS : latencyMs);
      const status = fails(pathname) ?? 200;
      return new Response(status === 200 ? LONG_TEXT : "no", { status, headers: { "content-type": "text/plain" } });
    },
  });
  return { url: `${tls ? "https" : "http"}://127.0.0.1:${server.port}`, arrived, stop: () => void server.stop(true) };
}
