/** What it costs to ask a rate limit about a request: for 50,000 clients, allowed with and without fields in the response, and refused. */
import { join } from "node:path";
import type { WorkerRateLimit } from "../../src/protocol/rate-limit.ts";
import type { Case } from "./cases.ts";

const HEAD_LIMITS = { maxHeadBytes: 65_536, maxFields: 128 };
const CLIENTS = 50_000;
const DAY_MS = 86_400_000;
const MODULES = {
  limits: "proxy/rate-limits/rate-limits.ts",
  request: "proxy/rate-limits/limited-request.ts",
  file: "shared/memory/rate-limits/limit-file.ts",
  head: "proxy/http1/head.ts",
  parser: "proxy/http1/request-parser.ts",
} as const;

/** @param root as in cases.ts. */
export async function makeLimitCases(root: string): Promise<Case[]> {
  const load = (path: string): Promise<unknown> => import(join(root, "src", path));
  const { RateLimits } = (await load(MODULES.limits)) as typeof import("../../src/proxy/rate-limits/rate-limits.ts");
  const { LimitedRequest } = (await load(
    MODULES.request,
  )) as typeof import("../../src/proxy/rate-limits/limited-request.ts");
  const { limitMemory, SharingWord } = (await load(
    MODULES.file,
  )) as typeof import("../../src/shared/memory/rate-limits/limit-file.ts");
  const { RequestHead } = (await load(MODULES.head)) as typeof import("../../src/proxy/http1/head.ts");
  const { parseRequestHead } = (await load(MODULES.parser)) as typeof import("../../src/proxy/http1/request-parser.ts");

  const lines = ["GET /api/items?page=2 HTTP/1.1", "Host: shop.example", "User-Agent: curl/8.5.0", "Accept: */*"];
  const headBuffer = Buffer.from([...lines, "X-Api-Key: 3f1c9a7e5d2b48f0a1c6d2e8b7f09a41", "", ""].join("\r\n"));
  const head = new RequestHead();
  parseRequestHead(headBuffer, 0, headBuffer.length, head, HEAD_LIMITS);
  const addresses = Array.from({ length: CLIENTS }, (_, i) =>
    Buffer.from(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`),
  );

  const asking = (name: string, wanted: boolean, more: Partial<WorkerRateLimit>): Case => {
    const limit: WorkerRateLimit = { ...LIMIT, ...more };
    const shape = { keys: limit.maxKeys, concurrent: limit.quota.kind === "concurrent", shared: limit.shared !== null };
    const memory = limitMemory(shape, { k0: 7, k1: 9 });
    // Redis was heard of just now, and has lent everything.
    if (limit.shared !== null) memory.sharing.words[SharingWord.HEARD_MS] = 1000;
    const limits = new RateLimits(
      () => memory,
      0,
      () => 0,
    );
    limits.configure([limit]);
    const applied = limits.appliedTo("rest", "shop");
    if (applied === null) throw new Error("nothing is limited");
    const limited = new LimitedRequest();
    const request = { headBuffer, clientAddress: addresses[0] };
    let [turn, passed, asked] = [0, 0, 0];
    return {
      name: `ask a rate limit, ${name}`,
      run: (times) => {
        for (let i = 0; i < times; i++) {
          request.clientAddress = addresses[turn];
          turn = (turn + 7919) % CLIENTS;
          if (limited.admit(applied, request, head, 1000)) passed++;
          asked++;
          limited.end();
        }
      },
      check: () => {
        const others = asked - passed;
        if (wanted ? others > 0 : passed > CLIENTS) throw new Error(`${passed} of ${asked} passed`);
      },
    };
  };
  return [
    asking("by client", true, { fields: false }),
    asking("by client, with fields", true, {}),
    asking("by API key", true, { fields: false, key: [{ kind: "api_key", name: "x-api-key" }] }),
    asking("by client and route", true, { fields: false, key: [{ kind: "client_ip" }, { kind: "route" }] }),
    asking("shared, by client", true, { fields: false, shared: LENT }),
    asking("shared, with fields", true, { shared: LENT }),
    asking("shared, refused", false, {
      shared: LENT,
      quota: { kind: "rate", requests: 1, periodMs: DAY_MS, burst: 1 },
    }),
    asking("at once", true, { fields: false, quota: AT_ONCE }),
    asking("at once, shared", true, { fields: false, quota: AT_ONCE, shared: LENT }),
    asking("refused", false, { quota: { kind: "rate", requests: 1, periodMs: DAY_MS, burst: 1 } }),
  ];
}

const LENT = { whenAway: "local", advancePercent: 100 } as const;
const AT_ONCE = { kind: "concurrent", requests: 10 } as const;

const LIMIT: WorkerRateLimit = {
  name: "clients",
  file: "",
  mode: "enforce",
  quota: { kind: "rate", requests: 1_000_000, periodMs: DAY_MS, burst: 1_000_000 },
  key: [{ kind: "client_ip" }],
  routes: [],
  pools: [],
  clients: [],
  exempt: [],
  ipv4Prefix: 32,
  ipv6Prefix: 64,
  maxKeys: 65_536,
  whenFull: "forget",
  fields: true,
  shared: null,
};
