/** What single values cannot tell: settings that contradict each other. */

import type { Sections } from "./schema.ts";
import { isLoopback } from "./values/addresses.ts";

/** A configuration in which the settings with wrong values are missing. */
export type PartialConfig = { readonly [S in keyof Sections]: Partial<Sections[S]> };

/** Contradictions. A comparison with a missing setting finds nothing: its own problem is reported already. */
export function findContradictions(config: PartialConfig): { problems: string[]; warnings: string[] } {
  const problems: string[] = [];
  const warnings: string[] = [];
  const { app, admin, tls, dns, outlier, health, balancing, ml, sticky, upstream } = config;

  if (typeof tls.port === "number") {
    if (tls.certFiles === null)
      problems.push("TLS_CERT_FILE: is required by TLS_PORT: name the PEM file of a certificate");
    if (tls.keyFiles === null)
      problems.push("TLS_KEY_FILE: is required by TLS_PORT: name the PEM file of a private key");
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

  if (clash(app.port, tls.port)) problems.push(`TLS_PORT: is the same as APP_PORT (${app.port}): choose another`);
  const meet = app.host === admin.host || isWildcard(app.host) || isWildcard(admin.host);
  if (meet && clash(admin.port, app.port))
    problems.push(`ADMIN_PORT: is the same as APP_PORT (${app.port}): choose another, or 0 for none`);
  if (meet && clash(admin.port, tls.port))
    problems.push(`ADMIN_PORT: is the same as TLS_PORT (${tls.port}): choose another, or 0 for none`);

  if (tls.port === null && tls.redirect)
    problems.push("TLS_REDIRECT: needs TLS_PORT: there is no https to send clients to");
  if (sticky.cookie && sticky.keys === null)
    problems.push("STICKY_KEYS: is required by STICKY_COOKIE: openssl rand -hex 32 makes a key");
  if (sticky.cookie && sticky.sameSite === "none" && sticky.secure === "off")
    problems.push("STICKY_SECURE: cannot be off with STICKY_SAME_SITE=none: browsers drop such a cookie");
  if (upstream.certFile && upstream.keyFile === null)
    problems.push("UPSTREAM_KEY_FILE: is required by UPSTREAM_CERT_FILE: name the PEM file of its private key");
  if (upstream.keyFile && upstream.certFile === null)
    problems.push("UPSTREAM_CERT_FILE: is required by UPSTREAM_KEY_FILE: name the PEM file of the certificate");

  problems.push(...findItself(config));

  if (dns.minTtlMs! > dns.maxTtlMs!) problems.push("DNS_MIN_TTL_SECONDS: is longer than DNS_MAX_TTL_SECONDS");
  if (outlier.baseEjectionMs! > outlier.maxEjectionMs!) {
    problems.push("OUTLIER_BASE_EJECTION_SECONDS: is longer than OUTLIER_MAX_EJECTION_SECONDS");
  }
  if (app.shutdownGraceMs! > app.shutdownTimeoutMs!) {
    problems.push("SHUTDOWN_GRACE_SECONDS: is longer than SHUTDOWN_TIMEOUT_SECONDS, of which it is a part");
  }
  if (typeof admin.port === "number" && admin.token === null && admin.host !== undefined && !isLoopback(admin.host)) {
    warnings.push(
      `ADMIN_HOST=${admin.host} opens the admin port to the network and no ADMIN_TOKEN is set: whoever reaches it rules this instance`,
    );
  }
  if (health.enabled && health.timeoutMs! > health.intervalMs!) {
    warnings.push(
      "HEALTH_CHECK_TIMEOUT_SECONDS is longer than HEALTH_CHECK_INTERVAL_SECONDS: slow checks delay the next ones",
    );
  }
  if (
    balancing.hashOn !== undefined &&
    balancing.hashOn !== "client_ip" &&
    balancing.strategy &&
    balancing.strategy !== "consistent_hash"
  ) {
    warnings.push(
      `HASH_ON has no effect: only LB_STRATEGY=consistent_hash uses it, and LB_STRATEGY is ${balancing.strategy}`,
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
  if (ml.judgeSpeed! > 1) {
    warnings.push(`ML_JUDGE_SPEED=${ml.judgeSpeed} is for tests and trials: models are promoted on little experience`);
  }
  return { problems, warnings };
}

/** Servers that are this instance: a request to one would come back as a new one, until its header is too long. */
function findItself({ servers, app, admin, tls }: PartialConfig): string[] {
  const problems: string[] = [];
  for (const { url, scheme, host, port } of servers.list ?? []) {
    if (scheme === "http" && clash(port, admin.port) && admin.host !== undefined && reaches(host, admin.host)) {
      problems.push(
        `SERVERS: ${url} is this balancer's own admin port (ADMIN_PORT=${port}): choose another port for one of them, or ADMIN_PORT=0 for none`,
      );
    }
    const own = scheme === "http" ? app.port : tls.port;
    if (!clash(port, own) || app.host === undefined || !reaches(host, app.host)) continue;
    const setting = scheme === "http" ? "APP_PORT" : "TLS_PORT";
    problems.push(`SERVERS: ${url} is this balancer itself (${setting}=${own}): choose another port for one of them`);
  }
  return problems;
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
