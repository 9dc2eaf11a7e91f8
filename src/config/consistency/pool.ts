/** What single values cannot tell of what pools may have values of their own of: settings that contradict each other. */
import { SERVER_PROTOCOLS } from "../../shared/server-spec.ts";
import type { Contradictions, PartialConfig } from "./contradictions.ts";

/** Contradictions among what holds for one pool, or for the instance. A missing setting has its own problem already. */
export function findPoolContradictions(config: PartialConfig): Contradictions {
  const problems: string[] = [];
  const warnings: string[] = [];
  const { servers, outlier, health, balancing, sticky, upstream } = config;

  if (outlier.baseEjectionMs! > outlier.maxEjectionMs!) {
    problems.push("OUTLIER_BASE_EJECTION_SECONDS: is longer than OUTLIER_MAX_EJECTION_SECONDS");
  }
  if (sticky.cookie && sticky.keys === null)
    problems.push("STICKY_KEYS: is required by STICKY_COOKIE: openssl rand -hex 32 makes a key");
  if (sticky.cookie && sticky.sameSite === "none" && sticky.secure === "off")
    problems.push("STICKY_SECURE: cannot be off with STICKY_SAME_SITE=none: browsers drop such a cookie");
  if (upstream.certFile && upstream.keyFile === null)
    problems.push("UPSTREAM_KEY_FILE: is required by UPSTREAM_CERT_FILE: name the PEM file of its private key");
  if (upstream.keyFile && upstream.certFile === null)
    problems.push("UPSTREAM_CERT_FILE: is required by UPSTREAM_KEY_FILE: name the PEM file of the certificate");

  const unfit = servers.list?.find(({ scheme }) => !SERVER_PROTOCOLS[scheme].http2);
  if (health.type === "grpc" && unfit !== undefined) {
    problems.push(
      `HEALTH_CHECK_TYPE: cannot be grpc for ${unfit.url}, which speaks HTTP/1.1: write h2c:// (or h2:// with TLS) for servers of gRPC`,
    );
  }
  if (health.grpcService && health.type !== "grpc") {
    warnings.push("HEALTH_CHECK_GRPC_SERVICE has no effect: it is for HEALTH_CHECK_TYPE=grpc");
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
  return { problems, warnings };
}
