/** Answers of the API beside the stream: one of each kind, so that every view has something to show. */
import type { Expectations } from "../../../../../src/shared/expectations.ts";
import type { Explanation } from "../../../../../src/shared/explanation/explanation.ts";
import type { RecentRequest } from "../../../../../src/shared/explanation/recent.ts";
import type { FakeAnswers } from "./instance.ts";

const AT = "2026-11-30T03:12:44.120Z";
const REQUEST: RecentRequest = {
  request_id: "5f2a7c0e9b1d4a638f0c2e7d1b9a4c65",
  began_at: AT,
  duration_ms: 812.4,
  waited_ms: 12.1,
  worker: 0,
  route: "/*",
  pool: "default",
  method: "GET",
  path: "/products/4711",
  client: "192.0.2.7",
  status: 200,
  failure: null,
  proxy_status: null,
  kept_as: "slow",
  server: "http://10.0.0.2:8080",
  server_id: 2,
  strategy: "least_connections",
  choice: "strategy",
  attempt_count: 2,
  stands_for: 1,
};

const attempt = (kind: "first" | "retry", id: number, failure: string | null): Explanation["attempts"][number] => ({
  at: AT,
  worker: 0,
  kind,
  server_id: id,
  url: `http://10.0.0.${id}:8080`,
  pool: "default",
  strategy: "least_connections",
  choice: "strategy",
  why: `10.0.0.${id}:8080 had the fewest requests in flight for its weight.`,
  scale: { name: "(in_flight + 1) / weight", best: "lowest", unit: "" },
  held_ms: kind === "first" ? 12.1 : 0,
  expected_cost: 0.59,
  request_class: "GET /products/{id}",
  sent_anyway: false,
  connect_ms: 1.2,
  head_ms: failure === null ? 380 : null,
  total_ms: 400,
  status: failure === null ? 200 : null,
  failure,
  responded: failure === null,
  result: failure === null ? "It answered with 200." : "The connection was refused.",
  outcome: { latency_ms: 380, failed: failure !== null },
  candidate_count: 2,
  candidates: [1, 2].map((server) => ({
    server_id: server,
    url: `http://10.0.0.${server}:8080`,
    chosen: server === id,
    in_flight: server === id ? 1 : 4,
    weight: 1,
    score: server === id ? 2 : 5,
    full: false,
    parts: null,
    features: null,
  })),
  ineligible_count: 1,
  ineligible: [{ server_id: 3, url: "http://10.0.0.3:8080", state: "down", why: "its health checks fail" }],
  ineligible_by_state: { down: 1 },
  arm: null,
  policy: null,
  propensity: null,
  table: null,
});

/** Of a request that was tried twice. */
export const EXPLANATION: Explanation = {
  ...REQUEST,
  summary:
    "It was held for 12.1 ms: all 3 servers of the pool default that could be asked worked on as many requests as was learned that they can; then http://10.0.0.1:8080 had a place. It went to http://10.0.0.1:8080, which refused the connection. It was tried again at http://10.0.0.2:8080, which took 380 ms.",
  wait_reason:
    "all 3 servers of the pool default that could be asked worked on as many requests as was learned that they can; then http://10.0.0.1:8080 had a place",
  attempts: [attempt("first", 1, "connection_refused"), attempt("retry", 2, null)],
  same_id: [],
  learner: null,
};

const estimate = (value: number) => ({ value, low: value * 0.9, high: value * 1.1 });
const expected = (strategy: string, p99: number, ran = false): Expectations["expectations"][number] => ({
  strategy,
  ran,
  mean_ms: estimate(p99 / 5),
  p50_ms: estimate(p99 / 7),
  p99_ms: estimate(p99),
  error_share: { value: 0, low: 0, high: 0 },
  overloaded: [],
});

/** Of all strategies: one better, one that would overload, one of which nothing can be said. */
const EXPECTATIONS: Expectations = {
  pool: "default",
  verdict: "passed",
  sentence: "The best p99 is that of p2c.",
  reasons: [],
  notes: ["Single requests are a sample (40 % of all): the rest was drawn, second by second."],
  window: { since: AT, until: AT },
  ran: "least_connections",
  requests: 41_234,
  single_requests: 16_000,
  measured: { mean_ms: 81, p50_ms: 58, p99_ms: 404, error_share: 0 },
  expectations: [
    expected("least_connections", 400, true),
    expected("p2c", 310),
    { ...expected("round_robin", 0), mean_ms: null, p50_ms: null, p99_ms: null, overloaded: ["10.0.0.1:8080"] },
  ],
  left_out: [{ strategy: "consistent_hash", why: "It places by a key of the request, and keys are not recorded." }],
};

const MEMORY = {
  enabled: true,
  usual_since: AT,
  failed_since: AT,
  usual_one_in: 1,
  slow_ms: 250,
  bytes: 2_000_000,
  limit_bytes: 64_000_000,
  note: "Every usual request is kept; failed and slow ones always, and longest.",
};

const setting = (name: string, changeable: boolean) => ({
  name,
  key: name.toLowerCase(),
  section: "log",
  value: "info",
  configured: "info",
  origin: "default",
  override: changeable ? "setting-1" : null,
  default: "info",
  type: "words",
  describe: "one of debug, info, warn",
  unit: null,
  min: null,
  max: null,
  words: ["debug", "info", "warn"],
  changeable,
  why_not: changeable ? null : "needs a restart: change it in the configuration, and restart",
  description: "How much the process log says.",
});

const refused = (key: string, times: number) => ({ key, refused: times, last_at: AT });

const limit = (name: string, rate: string | null, more: object) => ({
  name,
  mode: "enforce",
  rate,
  burst: rate === null ? null : 200,
  concurrent: rate === null ? 40 : null,
  key: ["client_ip"],
  routes: [],
  pools: [],
  clients: [],
  exempt: [],
  max_keys: 50_000,
  when_full: "forget_oldest",
  shared: null,
  keys: 412,
  allowed: 1_204_511,
  refused: 0,
  would_refuse: 0,
  exempted: 0,
  forgotten_keys: 0,
  uncounted: 0,
  most_refused: [],
  ...more,
});

/** One that refuses, one that is tried, one of requests at once, one that is off. */
const LIMITS = [
  limit("per-client", "100/s", {
    shared: { when_away: "local", advance: 10, instances: 3, away: null },
    refused: 8_412,
    most_refused: [refused("192.0.2.77", 6_100), refused("2001:db8:7:1200::/64", 2_212), refused("192.0.2.9", 100)],
  }),
  limit("api-keys", "6000/m", {
    mode: "dry_run",
    key: ["header:x-api-key", "route"],
    shared: { when_away: "closed", advance: 10, instances: 3, away: "no answer within 400 ms" },
    routes: ["/shop", "/search"],
    keys: 44_100,
    would_refuse: 913,
    forgotten_keys: 12,
    most_refused: [refused("5f2a7c0e9b1d4a63 /search", 913)],
  }),
  limit("exports", null, { key: [], routes: ["/reports"], keys: 1, max_keys: 1, allowed: 96, refused: 3 }),
  limit("logins", "5/m", { mode: "off", burst: 5, keys: 0, allowed: 0 }),
];

const member = (id: string, name: string, more: object) => ({
  id,
  name,
  self: false,
  version: "1.4.0",
  since: AT,
  age_ms: 640,
  servers: 12,
  down: 0,
  ejected: 0,
  in_flight: 41,
  requests_per_second: 812.5,
  ...more,
});

/** Three instances: the one that answers, one that finds servers ill, and one of another version that says little. */
const CLUSTER = {
  cluster: "shop",
  id: "00000000000000a1",
  redis: { state: "up", reason: null },
  shares: ["in_flight", "health", "learned", "model", "changes"],
  instances: 3,
  numbers_age_ms: 92,
  rounds: { ok: 81_204, failed: 3, last_ms: 1.4, sent_bytes: 9_744_480, received_bytes: 32_481_600, refused_shares: 0 },
  majority_ejections: 2,
  training: [
    {
      pool: "default",
      leading: false,
      leader: { id: "00000000000000b2", name: "balancer-2", since: AT },
      follows: true,
      problem: null,
    },
  ],
  members: [
    member("00000000000000a1", "balancer-1", { self: true, age_ms: 0 }),
    member("00000000000000b2", "balancer-2", { down: 1, ejected: 2 }),
    member("00000000000000c3", "balancer-3.a-rather-long-name.example.test", {
      version: "1.3.9",
      ...{ servers: null, down: null, ejected: null, in_flight: null, requests_per_second: null },
    }),
  ],
};

/** The same when Redis has gone. */
export const CLUSTER_ALONE = {
  ...CLUSTER,
  redis: { state: "away", reason: "no answer within 400 ms" },
  instances: 1,
  numbers_age_ms: null,
  members: [CLUSTER.members[0]],
};

const requestClass = (method: string | null, template: string | null, cost: number, share: number, work: number) => ({
  pool: "default",
  route: template === null ? null : "/*",
  method,
  template,
  cost,
  cost_error: template === null ? null : 0.03,
  least_cost: cost,
  greatest_cost: cost,
  share,
  work_share: work,
  mean_ms: cost * 9,
  requests: Math.round(share * 2_000_000),
});

/** More than are shown at first: one that servers differ in, one with a long path, and the rest. */
const CLASSES = [
  { ...requestClass("GET", "/reports/{id}", 6.6, 0.048, 0.313), least_cost: 5.1, greatest_cost: 9.8 },
  requestClass("GET", "/items/{id}", 0.59, 0.55, 0.302),
  requestClass("POST", "/customers/{id}/subscriptions/{id}/invoices/{id}/attachments/{id}.pdf", 2.4, 0.1, 0.22),
  ...Array.from({ length: 11 }, (_, i) => requestClass("GET", `/static/*/${"abcdefghijk"[i]}`, 0.4, 0.025, 0.01)),
  requestClass(null, null, 0.99, 0.027, 0.055),
];

/** By path. */
export const FAKE_ANSWERS: FakeAnswers = {
  "/api/v1/requests": {
    memory: MEMORY,
    requests: [
      REQUEST,
      { ...REQUEST, failure: "connection_refused", status: 502, kept_as: "failed" },
      {
        ...REQUEST,
        failure: "queue_shed",
        status: 503,
        kept_as: "failed",
        waited_ms: 640,
        server: null,
        attempt_count: 0,
      },
    ],
  },
  "/api/v1/errors": {
    memory: MEMORY,
    counts: [
      { code: "connection_refused", count: 12 },
      { code: "queue_shed", count: 4 },
    ],
    counted_since: AT,
    errors: [],
  },
  [`/api/v1/explain/${EXPLANATION.request_id}`]: EXPLANATION,
  "/api/v1/overrides": {
    overrides: [
      {
        id: "weight-1",
        kind: "weight",
        target: { pool: "default", server: "10.0.0.1:8080", address: "" },
        value: 2,
        configured: 1,
        by: "deploy",
        client: "192.0.2.1",
        reason: "twice the cores",
        at: AT,
        until: null,
        kept: true,
        in_force: true,
      },
    ],
  },
  "/api/v1/certificates": {
    certificates: [
      { name: "shop.example.test", expires_at: "2027-06-01T00:00:00.000Z", source: "file", acme: null },
      {
        name: "new.example.test",
        expires_at: null,
        source: "acme",
        acme: {
          state: "failing",
          challenge: "http-01",
          next_try_at: "2027-01-01T00:00:00.000Z",
          failures: 2,
          last_error: { at: AT, message: "http-01 for new.example.test failed: connection refused" },
        },
      },
    ],
  },
  "/api/v1/audit": {
    entries: [
      {
        at: AT,
        actor: "deploy",
        client: "192.0.2.1",
        action: "server.change",
        target: "server 10.0.0.1:8080 of pool default",
        before: { weight: 1 },
        after: { weight: 2 },
        reason: "twice the cores",
        kept: true,
      },
    ],
  },
  "/api/v1/expectations": EXPECTATIONS,
  "/api/v1/limits": { limits: LIMITS },
  "/api/v1/cluster": CLUSTER,
  "/api/v1/classes": { pools: ["default"], classes: CLASSES },
  "PATCH /api/v1/pools/default": { dry_run: true, before: {}, after: {}, warnings: [] },
  "/api/v1/settings": { settings: [setting("LOG_LEVEL", true), setting("WORKERS", false)] },
  "/api/v1/ml/models": {
    models: [{ version: 7, origin: "trained", status: "champion", parent_version: 6, created_at: AT, promoted_at: AT }],
  },
  "/api/v1/ml/verdicts": {
    verdicts: [{ at: AT, model_version: 7, kind: "promoted", reason: "4 % better than model 6" }],
  },
  "PATCH /api/v1/servers/1": {
    dry_run: true,
    before: { state: "active" },
    after: { state: "drain" },
    warnings: ["It is the last one."],
  },
};
