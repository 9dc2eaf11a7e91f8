/** What contradicts certificates by ACME. */
import type { ListenerSpec } from "../../protocol/worker.ts";
import type { Contradictions, PartialConfig } from "./contradictions.ts";

/** @param listeners of the file; `null` = it has none. */
export function acmeContradictions(
  { acme, tls }: PartialConfig,
  listeners: readonly ListenerSpec[] | null,
): Contradictions {
  const problems: string[] = [];
  const warnings: string[] = [];
  if ((acme.externalKeyId === null) !== (acme.externalHmacKey === null) && acme.externalKeyId !== undefined) {
    const missing = acme.externalKeyId === null ? "ACME_EAB_KEY_ID" : "ACME_EAB_HMAC_KEY";
    problems.push(`${missing}: is not set although the other of the two is: a CA gives both for an account`);
  }
  if (!acme.domains) return { problems, warnings };
  if (acme.agreed === false) {
    problems.push(
      "ACME_AGREE_TOS: must be true for ACME_DOMAINS: read the terms of service of the CA, and set it if you agree to them",
    );
  }
  const isSecure = listeners === null ? typeof tls.port === "number" : listeners.some((one) => one.tls);
  if (!isSecure && tls.port !== undefined) {
    const wanted = listeners === null ? "TLS_PORT, such as 8443" : "a listener with tls: on";
    problems.push(`ACME_DOMAINS: has certificates that nobody would be shown: set ${wanted}`);
  }
  if (acme.challenge === "http-01" && listeners?.every((one) => one.tls) === true) {
    problems.push(
      "ACME_CHALLENGE: http-01 is asked for in clear, and all listeners have tls: on: add one without, or set tls-alpn-01",
    );
  }
  return { problems, warnings };
}
