/** How a health check ended, and which cause an error of its connection is. */
import type { CheckFailure, CheckSkip } from "../../shared/health-causes.ts";

/** How a check ended. */
export type CheckResult =
  | { readonly kind: "success" }
  /** `reason` is a few words for an operator. */
  | { readonly kind: "failure"; readonly cause: CheckFailure; readonly reason: string }
  | { readonly kind: "skipped"; readonly cause: CheckSkip };

const BY_CODE: Readonly<Record<string, CheckFailure>> = {
  ECONNREFUSED: "refused",
  ETIMEDOUT: "timeout",
  EHOSTUNREACH: "unreachable",
  ENETUNREACH: "unreachable",
  EADDRNOTAVAIL: "unreachable",
  ECONNRESET: "closed",
  EPIPE: "closed",
};

/** Why a connection failed. @param code of the error. @param tls it was for TLS, whose own errors have many codes. */
export function causeOfError(code: string, tls: boolean): CheckFailure {
  return BY_CODE[code] ?? (tls ? "tls" : "other");
}
