/** Values that would give a release that does not start, loses requests or keeps nodes from being drained are no release. */
import { describe, expect, test } from "bun:test";
import { HAS_HELM, HELMS, template } from "../../../support/helm/render.ts";

const SERVERS = ["http://a:80"];

/** What is wrong, the values, and what is said of it. */
const MISSPELT: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
  ["a name at the top", { replicas: 3 }, /replicas/],
  ["a name further down", { service: { ports: 80 } }, /ports/],
  ["a name of the configuration file", { config: { balancing: { stratgy: "p2c" } } }, /stratgy/],
  ["a strategy that is none", { config: { balancing: { strategy: "fastest" } } }, /strategy/],
  // Helm reads a bare off as false.
  ["a word that helm has read as a boolean", { config: { tls: { client_auth: false } } }, /client_auth/],
  ["a key of a route", { config: { routes: [{ host: "a.example", pol: "a" }] } }, /routes/],
  ["a server without URL", { servers: [{ weight: 1 }] }, /servers/],
  ["a kind that is none", { kind: "Daemonset" }, /kind/],
  ["a port that is none", { containerPorts: { http: 70_000 } }, /http/],
  ["a digest that is none", { image: { digest: "latest" } }, /digest/],
  ["a size that is none", { shmSize: "much" }, /shmSize/],
  ["a password that is a number", { db: { host: "pg", password: 12_345 } }, /password/],
  ["a token in clear", { adminTokens: { tokens: ["ops:admin:secret"] } }, /tokens/],
  ["an address without port", { redis: { addr: "redis" } }, /addr/],
  ["a variable that cannot be one", { env: { "LB STRATEGY": "ml" } }, /LB STRATEGY/],
  ["a part that is taken away", { db: null }, /missing propert(y|ies):? '?db/],
  ["a part of a part that is taken away", { metrics: { serviceMonitor: null } }, /serviceMonitor/],
  ["a label that is no text", { commonLabels: { team: 7 } }, /team/],
];

const UNFIT: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
  ["no servers in production", { environment: "production" }, /no servers are named: set servers/],
  ["no servers, and none for trials", { backends: { enabled: false } }, /no servers are named/],
  ["servers twice", { servers: SERVERS, config: { servers: SERVERS } }, /servers is also said by config\.servers/],
  ["a file twice", { config: { servers: SERVERS }, existingConfigMap: "ours" }, /config and existingConfigMap/],
  ["a text that is no YAML", { config: "servers: [" }, /config is no YAML/],
  [
    "what the chart sets, in the file",
    { servers: SERVERS, config: { app: { port: 80 } } },
    /config\.app\.port would not count: set containerPorts\.http/,
  ],
  [
    "what the chart sets, in a text",
    { config: "servers: [http://a:80]\napp: {shutdown_timeout: 5m}\n" },
    /config\.app\.shutdown_timeout would not count: set shutdown\.timeoutSeconds/,
  ],
  [
    "what the chart sets, as a variable",
    { servers: SERVERS, env: { WORKERS: 4 } },
    /env\.WORKERS: the chart sets it; set workers/,
  ],
  [
    "the same, of the other kind",
    { servers: SERVERS, extraEnv: [{ name: "DATA_DIR", value: "/data" }] },
    /extraEnv has DATA_DIR/,
  ],
  [
    "a variable twice",
    { servers: SERVERS, env: { HTTP2: "off" }, extraEnv: [{ name: "HTTP2", value: "on" }] },
    /HTTP2 is in env and in extraEnv/,
  ],
  ["a database without password", { servers: SERVERS, db: { host: "pg" } }, /db\.host needs db\.existingSecret/],
  ["a port twice", { servers: SERVERS, containerPorts: { admin: 8080 } }, /containerPorts has a port twice/],
  ["Sentinels without a master", { servers: SERVERS, redis: { sentinelAddrs: ["a:1"] } }, /redis\.sentinelMaster/],
  ["Grafana without a password", { grafana: { enabled: true } }, /grafana\.existingSecret or grafana\.adminPassword/],
  [
    "a kill before the drain ends",
    { terminationGracePeriodSeconds: 30 },
    /terminationGracePeriodSeconds \(30\) has to be longer than shutdown\.timeoutSeconds \(30\)/,
  ],
  ["a grace beyond the timeout", { shutdown: { graceSeconds: 60 } }, /shutdown\.graceSeconds/],
  ["one volume for all", { kind: "Deployment", persistence: { enabled: true } }, /volume for each replica/],
  ["a budget that nobody may break", { podDisruptionBudget: { minAvailable: 2 } }, /minAvailable \(2\) of 2 replicas/],
  ["a budget of nothing", { podDisruptionBudget: { maxUnavailable: 0 } }, /lets no pod be missing/],
  ["a budget of everything", { podDisruptionBudget: { minAvailable: "100%" } }, /lets no pod be missing/],
  ["more at least than at most", { autoscaling: { enabled: true, minReplicas: 11 } }, /minReplicas is above/],
  [
    "scaling a pod on each node",
    { kind: "DaemonSet", autoscaling: { enabled: true } },
    /nothing to scale of a DaemonSet/,
  ],
  ["scaling by nothing", { autoscaling: { enabled: true, targetCPUUtilizationPercentage: null } }, /needs a target/],
  [
    "scrapes without a port",
    { admin: { enabled: false }, metrics: { serviceMonitor: { enabled: true } } },
    /needs admin\.enabled/,
  ],
  [
    "scrapes without a token",
    { adminTokens: { existingSecret: "t" }, metrics: { serviceMonitor: { enabled: true } } },
    /tokenSecret\.name/,
  ],
  [
    "nobody who answers probes",
    { admin: { enabled: false }, reservedPaths: false, servers: SERVERS },
    /no port would answer probes/,
  ],
  ["an Ingress for no host", { ingress: { enabled: true } }, /ingress\.hosts/],
];

describe.skipIf(!HAS_HELM)("refused by the schema, before anything is made", () => {
  test.each(MISSPELT)(
    "%s",
    (_, values, said) => {
      const { code, err } = template({ values });
      expect(code).not.toBe(0);
      expect(err).toMatch(/schema/);
      expect(err).toMatch(said);
    },
    60_000,
  );

  test("by helm 3, too", () => {
    const { code, err } = template({ values: { replicas: 3 }, helm: HELMS[1] });
    expect(code).not.toBe(0);
    expect(err).toContain("replicas");
  }, 60_000);
});

describe.skipIf(!HAS_HELM)("refused, because it does not fit together", () => {
  test.each(UNFIT)(
    "%s",
    (_, values, said) => {
      const { code, err } = template({ values });
      expect(code).not.toBe(0);
      expect(err).toMatch(said);
    },
    60_000,
  );

  test("everything that is wrong is told at once", () => {
    const { err } = template({ values: { environment: "production", grafana: { enabled: true } } });
    expect(err).toMatch(/no servers are named/);
    expect(err).toMatch(/grafana\.enabled needs/);
  }, 60_000);

  test("an older Kubernetes", () => {
    const { code, err } = template({ kubernetes: "1.24.0" });
    expect(code).not.toBe(0);
    expect(err).toContain(">=1.25.0-0");
  }, 60_000);
});
