/** The extract of the configuration that workers need, with the TLS files read and checked. */
import { LEARNED_STRATEGY } from "../balancing/registry.ts";
import type { ClientCertificate, PoolSettings } from "../protocol/pool.ts";
import type { ProxySettings, TlsCertificate } from "../protocol/worker.ts";
import { acmeCertificates } from "./acme/certificates.ts";
import { readAcmeSettings } from "./acme/settings.ts";
import type { Config, PoolConfig } from "./config.ts";
import { toTraceSampling } from "./exported-traces.ts";
import { filePath } from "./file-keys.ts";
import { given } from "./given.ts";
import { readClientLists } from "./listeners/client-lists.ts";
import { readClientTls } from "./listeners/client-tls.ts";
import { ConfigError } from "./load.ts";
import { problemOfLogFile } from "./log-file.ts";
import { readRedisFiles } from "./redis/place.ts";
import { withFiles } from "./routes/files.ts";
import { SECTIONS } from "./schema.ts";
import { type CertificateNames, readAuthorities, readCertificate } from "./tls-files.ts";
import { readTracerSettings } from "./tracer-settings.ts";

/** How `toProxySettings` is told the time, and tells what is odd but not wrong. */
export interface ProxySettingsOptions {
  /** Milliseconds since the epoch, for the validity of certificates. */
  readonly nowMs: number;
  readonly warn?: (sentence: string) => void;
  /** Rows of pools in the shared memory, by name. Default: in the order of the configuration. */
  readonly rows?: ReadonlyMap<string, number>;
  /** Numbers that routes are counted under, by name. Default: in the order of the configuration. */
  readonly routeNumbers?: ReadonlyMap<string, number>;
  /** Files of rate limits, by name. Default: none, for nobody to map. */
  readonly rateLimitFiles?: ReadonlyMap<string, string>;
}

/** Throws a `ConfigError` with every problem of the files that the configuration names. */
export function toProxySettings(config: Config, options: ProxySettingsOptions): ProxySettings {
  const { nowMs, warn = () => {}, rows, routeNumbers, rateLimitFiles } = options;
  const problems: string[] = [];
  // Pools share files: each is complained of once.
  const told = new Set<string>();
  const once = (tell: (sentence: string) => void) => (sentence: string) => {
    if (!told.has(sentence)) tell(sentence);
    told.add(sentence);
  };
  const findings = { problem: once((sentence) => void problems.push(sentence)), warning: once(warn) };
  const { app, clients } = config;
  const settings: ProxySettings = {
    ...given(config, "worker"),
    nativeSockets: app.nativeSockets && process.platform === "linux",
    trustedProxies: clients.trustedProxies ?? [],
    tls: readTls(config, nowMs, findings),
    clientTls: readClientTls(config, nowMs, findings),
    clientAccess: readClientLists(clients, findings),
    proxyProtocol: readProxyProtocol(config),
    listeners: config.listeners,
    request: given(config, "request"),
    pools: config.pools.map((pool, index) =>
      toPoolSettings(pool, config, rows?.get(pool.name) ?? index, nowMs, findings),
    ),
    routes: config.routes.map((route, index) =>
      withFiles(route, routeNumbers?.get(route.name) ?? index, findings.problem),
    ),
    rateLimits: config.rateLimits.map((limit) => ({ ...limit, file: rateLimitFiles?.get(limit.name) ?? "" })),
    tracing: toTraceSampling(config),
  };
  const { access, accessFile } = config.log;
  const fileProblem = access && accessFile !== null ? problemOfLogFile(accessFile) : null;
  if (fileProblem !== null) problems.push(`${SECTIONS.log.settings.accessFile.env}: ${accessFile} ${fileProblem}`);
  if (process.platform !== "linux") problems.push(...linuxOnly(settings));
  readAcmeSettings(config, findings);
  readRedisFiles(config.redis, nowMs, findings);
  readTracerSettings(config, nowMs, findings); // workers are not given it; what is wrong with its files is told with the rest
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(settings);
}

/** Who is believed is nobody's business where nobody is asked. */
function readProxyProtocol({ clients, listeners }: Config): ProxySettings["proxyProtocol"] {
  const { proxyProtocol: on, proxyProtocolFrom, trustedProxies } = clients;
  const asked = listeners.some((listener) => listener.proxyProtocol ?? on);
  return { on, from: asked ? (proxyProtocolFrom ?? trustedProxies ?? []) : [] };
}

/** What is done by calls that only Linux has. */
function linuxOnly({ listeners, proxyProtocol, pools }: ProxySettings): string[] {
  const complaint = "needs Linux: elsewhere nothing can be read or sent in front of the runtime's sockets";
  const taken = listeners.some((listener) => listener.proxyProtocol ?? proxyProtocol.on);
  const told = pools.some(({ upstreamProxyProtocol }) => upstreamProxyProtocol !== "off");
  return [
    ...(taken ? [`PROXY_PROTOCOL: ${complaint}`] : []),
    ...(told ? [`UPSTREAM_PROXY_PROTOCOL: ${complaint}`] : []),
  ];
}

/**
 * @param instance whose values hold where the pool has none of its own.
 * @param row of the pool, in the shared memory's table of pools.
 */
function toPoolSettings(
  pool: PoolConfig,
  instance: Config,
  row: number,
  nowMs: number,
  findings: Findings,
): PoolSettings {
  const { balancing, outlier, upstream } = pool;
  const nameOf = (key: "caFile" | "certFile" | "keyFile") => {
    const { env } = SECTIONS.upstream.settings[key];
    return upstream[key] === instance.upstream[key] ? env : `pools.${pool.name}.${filePath(env)}`;
  };
  const names = { cert: nameOf("certFile"), key: nameOf("keyFile"), seenBy: "servers" } as const;
  return {
    ...given(pool, "pool"),
    row,
    name: pool.name,
    request: given(pool, "request"),
    learnsLimits: learnsLimits(balancing),
    requestClasses: balancing.requestClasses ?? balancing.strategy === LEARNED_STRATEGY,
    outlierConsecutiveFailures: outlier.enabled ? outlier.consecutiveFailures : 0,
    upstreamCaPem: upstream.caFile === null ? "" : readAuthorities(upstream.caFile, findings, nameOf("caFile")),
    upstreamCertificate: readClientCertificate(upstream, nowMs, findings, names),
  };
}

/** Where nothing is said, whoever learns how servers answer learns what they work on at once, too. */
function learnsLimits({ concurrencyLimits, strategy }: PoolConfig["balancing"]): boolean {
  return concurrencyLimits === null ? strategy === LEARNED_STRATEGY : concurrencyLimits === "learned";
}

function readClientCertificate(
  { certFile, keyFile }: PoolConfig["upstream"],
  nowMs: number,
  findings: Findings,
  names: CertificateNames,
): ClientCertificate | null {
  if (certFile === null || keyFile === null) return null;
  const certificate = readCertificate(certFile, keyFile, nowMs, findings, names);
  return certificate && { certPem: certificate.certPem, keyPem: certificate.keyPem };
}

type Findings = Parameters<typeof readCertificate>[3];

function readTls(config: Config, nowMs: number, findings: Findings): ProxySettings["tls"] {
  const { certFiles, keyFiles } = config.tls;
  const port = config.listeners.find(({ tls }) => tls)?.port;
  if (port === undefined) return null;
  const ofFiles = certFiles && keyFiles ? readFiles(certFiles, keyFiles, nowMs, findings) : [];
  const certificates = [...ofFiles, ...acmeCertificates(config, nowMs, findings.warning)];
  return certificates.length === 0 ? null : { port, certificates };
}

function readFiles(
  certFiles: readonly string[],
  keyFiles: readonly string[],
  nowMs: number,
  findings: Findings,
): readonly TlsCertificate[] {
  const certificates = certFiles
    .map((certFile, index) => readCertificate(certFile, keyFiles[index], nowMs, findings))
    .filter((certificate): certificate is TlsCertificate => certificate !== null);
  for (const [index, { names }] of certificates.entries()) {
    if (index > 0 && names.length === 0) {
      findings.warning(`TLS_CERT_FILE: the certificate in ${certFiles[index]} has no DNS name and is never chosen`);
    }
  }
  return certificates;
}
