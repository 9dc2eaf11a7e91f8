/** What single values of the instance cannot tell: settings that contradict each other. */
import type { ListenerSpec } from "../../protocol/worker.ts";
import { SERVER_PROTOCOLS } from "../../shared/server-spec.ts";
import { overlap } from "../listeners/listeners.ts";
import { isLoopback } from "../values/addresses.ts";
import { acmeContradictions } from "./acme.ts";
import type { Contradictions, PartialConfig } from "./contradictions.ts";
import { databaseContradictions } from "./database.ts";
import { logContradictions } from "./logs.ts";
import { redisContradictions } from "./redis.ts";
import { tracingContradictions } from "./tracing.ts";

/**
 * Contradictions. A comparison with a missing setting finds nothing: its own problem is reported already.
 * @param listeners of the file; `null` = it has none.
 */
export function findContradictions(config: PartialConfig, listeners: readonly ListenerSpec[] | null): Contradictions {
  const problems: string[] = [];
  const warnings: string[] = [];
  const { app, admin, acme, clients, tls, dns, ml } = config;

  const isSecure = listeners === null ? typeof tls.port === "number" : listeners.some((listener) => listener.tls);
  const wants = listeners === null ? "TLS_PORT" : "a listener with tls: on";
  if (isSecure) {
    // What is got by ACME needs no file; of a file, both are needed.
    const needsFile = acme.domains === null || Boolean(tls.certFiles ?? tls.keyFiles);
    if (tls.certFiles === null && needsFile)
      problems.push(
        `TLS_CERT_FILE: is required by ${wants}: name the PEM file of a certificate, or have one got by ACME_DOMAINS`,
      );
    if (tls.keyFiles === null && needsFile)
      problems.push(`TLS_KEY_FILE: is required by ${wants}: name the PEM file of a private key`);
  } else if (listeners !== null && (tls.certFiles || tls.keyFiles)) {
    warnings.push("TLS_CERT_FILE has no effect: none of the listeners has tls: on");
  } else if (tls.port === null && (tls.certFiles || tls.keyFiles)) {
    problems.push(
      "TLS_PORT: is not set although TLS_CERT_FILE or TLS_KEY_FILE is: set it to serve HTTPS, such as 8443",
    );
  }
  if (tls.certFiles && tls.keyFiles && tls.certFiles.length !== tls.keyFiles.length) {
    problems.push(
      `TLS_KEY_FILE: has ${tls.keyFiles.length} entries and TLS_CERT_FILE ${tls.certFiles.length}: every certificate needs its key, in the same order`,
    );
  }

  const wantsCertificates = isSecure
    ? (listeners ?? [{ tls: true, clientAuth: undefined }]).some(
        (one) => one.tls && (one.clientAuth ?? tls.clientAuth ?? "off") !== "off",
      )
    : false;
  if (wantsCertificates && tls.clientCaFile === null)
    problems.push(
      "TLS_CLIENT_CA_FILE: is required by TLS_CLIENT_AUTH: name the PEM file of the authorities that clients' certificates are of",
    );
  if (!wantsCertificates && (tls.clientCaFile || tls.clientCrlFile) && tls.clientAuth !== undefined)
    warnings.push("TLS_CLIENT_CA_FILE has no effect: no client is asked for a certificate (TLS_CLIENT_AUTH)");
  if (!isSecure && tls.clientAuth !== undefined && tls.clientAuth !== "off" && tls.port !== undefined)
    problems.push(`TLS_CLIENT_AUTH: needs ${wants}: certificates are a part of TLS`);
  const wantsHeaders = listeners?.some((one) => one.proxyProtocol ?? clients.proxyProtocol) ?? clients.proxyProtocol;
  if (wantsHeaders && clients.proxyProtocolFrom === null && clients.trustedProxies === null)
    problems.push(
      "PROXY_PROTOCOL_FROM: is required by PROXY_PROTOCOL, or TRUSTED_PROXIES: say whose word is taken on whose connection it is",
    );

  if (listeners === null && clash(app.port, tls.port))
    problems.push(`TLS_PORT: is the same as APP_PORT (${app.port}): choose another`);
  for (const { name, host, port } of namedListeners(config, listeners)) {
    if (host !== undefined && admin.host !== undefined && overlap(host, admin.host) && clash(admin.port, port))
      problems.push(`ADMIN_PORT: is the same as ${name} (${port}): choose another, or 0 for none`);
  }

  // A proxy in front may have the TLS, and say so.
  if (tls.port !== undefined && !isSecure && tls.redirect && clients.trustedProxies === null)
    problems.push(
      `TLS_REDIRECT: needs ${wants}, or TRUSTED_PROXIES that have the TLS: there is no https to send clients to`,
    );
  if (dns.minTtlMs! > dns.maxTtlMs!) problems.push("DNS_MIN_TTL_SECONDS: is longer than DNS_MAX_TTL_SECONDS");
  if (app.shutdownGraceMs! > app.shutdownTimeoutMs!) {
    problems.push("SHUTDOWN_GRACE_SECONDS: is longer than SHUTDOWN_TIMEOUT_SECONDS, of which it is a part");
  }
  if (admin.tlsCertFile !== undefined && admin.tlsKeyFile !== undefined) {
    if (admin.tlsCertFile !== null && admin.tlsKeyFile === null)
      problems.push("ADMIN_TLS_KEY_FILE: is required by ADMIN_TLS_CERT_FILE: name the PEM file of its private key");
    if (admin.tlsCertFile === null && (admin.tlsKeyFile !== null || admin.tlsClientCaFile))
      problems.push(
        "ADMIN_TLS_CERT_FILE: is required by ADMIN_TLS_KEY_FILE and ADMIN_TLS_CLIENT_CA_FILE: name the PEM file of a certificate",
      );
  }
  const guarded = admin.token !== null || admin.tokens !== null || Boolean(admin.tlsClientCaFile);
  if (typeof admin.port === "number" && !guarded && admin.host !== undefined && !isLoopback(admin.host)) {
    warnings.push(
      `ADMIN_HOST=${admin.host} opens the admin port to the network and there is no token: only metrics and health are told to others than this machine; set ADMIN_TOKENS ("neurabalancer token new" makes one)`,
    );
  }
  if (ml.scalerPath && ml.modelPath === null) {
    warnings.push("SCALER_PATH has no effect: it belongs to the model of MODEL_PATH, which is not set");
  }
  if (ml.endpoint && ml.modelPath) {
    problems.push(
      "MODEL_PATH: is set together with ML_MODEL_ENDPOINT, and only one of them can route: unset the other",
    );
  }
  for (const found of [
    acmeContradictions(config, listeners),
    databaseContradictions(config),
    logContradictions(config),
    redisContradictions(config),
    tracingContradictions(config),
  ]) {
    problems.push(...found.problems);
    warnings.push(...found.warnings);
  }
  if (ml.judgeSpeed! > 1) {
    warnings.push(`ML_JUDGE_SPEED=${ml.judgeSpeed} is for tests and trials: models are promoted on little experience`);
  }
  return { problems, warnings };
}

/** Servers that are this instance: a request to one would come back as a new one, until its header is too long. */
export function findItself(config: PartialConfig, listeners: readonly ListenerSpec[] | null): string[] {
  const { servers, admin } = config;
  const problems: string[] = [];
  for (const { url, scheme, host, port } of servers.list ?? []) {
    const { tls } = SERVER_PROTOCOLS[scheme];
    if (!tls && clash(port, admin.port) && admin.host !== undefined && reaches(host, admin.host)) {
      problems.push(
        `SERVERS: ${url} is this balancer's own admin port (ADMIN_PORT=${port}): choose another port for one of them, or ADMIN_PORT=0 for none`,
      );
    }
    for (const own of namedListeners(config, listeners)) {
      if (own.tls !== tls || !clash(port, own.port)) continue;
      if (own.host === undefined || !reaches(host, own.host)) continue;
      problems.push(
        `SERVERS: ${url} is this balancer itself (${own.name}=${port}): choose another port for one of them`,
      );
    }
  }
  return problems;
}

/** Where clients are listened for, by what people call it. What is wrong itself is missing. */
function namedListeners({ app, tls }: PartialConfig, listeners: readonly ListenerSpec[] | null) {
  if (listeners !== null) return listeners.map((one, index) => ({ ...one, name: `listeners[${index}]` }));
  return [
    { name: "APP_PORT", host: app.host, port: app.port, tls: false },
    { name: "TLS_PORT", host: app.host, port: tls.port, tls: true },
  ];
}

/** Whether a connection to `host` ends at what listens on `listening`, as far as their names tell. */
function reaches(host: string, listening: string): boolean {
  if (host === listening) return true;
  if (!isLoopback(host)) return false;
  if (isWildcard(listening)) return listening === "::" || host !== "::1";
  return host === "localhost" ? isLoopback(listening) : listening === "localhost";
}

/** Port 0 takes any free port, so it never clashes. */
function clash(a: number | null | undefined, b: number | null | undefined): boolean {
  return typeof a === "number" && a !== 0 && a === b;
}

function isWildcard(host: string | undefined): boolean {
  return host === "0.0.0.0" || host === "::";
}
