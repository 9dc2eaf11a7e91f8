/** What a CA, or the way to it, has against us: in words that may be shown, and what follows of it. */
import { visible } from "../../shared/visible-text.ts";

/** A CA may say much: so much of it is kept and shown. */
const MAX_TEXT = 400;

/** Of the kinds of problems (RFC 8555 section 6.7). */
const NAMESPACE = "urn:ietf:params:acme:error:";

/** Text of a CA, as it may be shown and logged. */
export function shown(text: unknown): string {
  const one = typeof text === "string" ? text : (JSON.stringify(text) ?? "");
  const clean = visible(one.slice(0, MAX_TEXT * 2));
  return clean.length <= MAX_TEXT ? clean : `${clean.slice(0, MAX_TEXT)}…`;
}

/** Something went wrong with a CA. The message is for the operator. */
export class CaError extends Error {
  override readonly name = "CaError";
  /** Of its problem document, as `kindOf`. */
  readonly kind: string;
  /** It says that we ask too often. */
  readonly rateLimited: boolean;
  /** When to come again; null = not said. */
  readonly retryAfterMs: number | null;

  constructor(message: string, { kind = "", rateLimited = false, retryAfterMs = null as number | null } = {}) {
    super(shown(message));
    this.kind = kind;
    this.rateLimited = rateLimited;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The problem document of RFC 8555 section 6.7, in a line. */
export function describeProblem(problem: unknown): string {
  if (typeof problem !== "object" || problem === null) return shown(problem ?? "no reason");
  const { detail, subproblems } = problem as { readonly detail?: unknown; readonly subproblems?: unknown };
  const kind = kindOf(problem);
  const inner = Array.isArray(subproblems) ? subproblems.slice(0, 3).map(describeProblem).join("; ") : "";
  const parts = [typeof detail === "string" ? detail : "", inner].filter((part) => part !== "");
  return shown([kind, parts.join(" — ")].filter((part) => part !== "").join(": ") || "no reason");
}

/** `rateLimited`, `accountDoesNotExist`; empty = none that ACME knows. */
export function kindOf(problem: unknown): string {
  if (typeof problem !== "object" || problem === null) return "";
  const { type } = problem as { readonly type?: unknown };
  return typeof type === "string" && type.startsWith(NAMESPACE) ? type.slice(NAMESPACE.length) : "";
}
