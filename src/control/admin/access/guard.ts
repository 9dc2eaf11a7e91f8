/** Who may do what at the admin port: the one place that decides it, asked before anything is looked at. */
import { isLoopback } from "../../../config/values/addresses.ts";
import type { ControlLog } from "../../log.ts";
import { type Caller, includes, type Scope } from "../call.ts";
import { ApiError } from "../responses.ts";
import { hasOwnName, isForeign, isReading } from "./browsers.ts";
import { FailureLimit } from "./failure-limit.ts";
import type { AccessPolicy } from "./policy.ts";
import { findToken, type KnownToken } from "./tokens.ts";

/** Why somebody was turned away, as metrics have it. */
export const REFUSALS = ["no_token", "wrong_token", "throttled", "scope", "this_machine_only", "host", "site"] as const;
/** One of them. */
export type Refusal = (typeof REFUSALS)[number];

/** Somebody at the admin port. */
export interface Visitor {
  /** Its address. */
  readonly client: string;
  /** Subject of its certificate, which was verified; `null` or left out = it has shown none. */
  readonly certificate?: string | null;
  readonly policy: AccessPolicy;
}

const CHALLENGE = { "www-authenticate": 'Bearer realm="neurabalancer"' } as const;
/** What proxies add, one or the other, by what they are and how they are set up: the client's address is theirs then. */
const FORWARDED =
  /^(?:forwarded|via|x-(?:forwarded|real|original|client|cluster-client)-.+|(?:cf-connecting|true-client|fastly-client)-ip)$/;
/** Wrong tokens are told of no more often than this, however many there are. */
const TOLD_EVERY_MS = 10_000;

/** Lets requests in, or throws the reason why not. */
export class Guard {
  readonly #nowMs: () => number;
  readonly #log: Pick<ControlLog, "warn">;
  readonly #limit: FailureLimit;
  readonly #refused = Object.fromEntries(REFUSALS.map((reason) => [reason, 0])) as Record<Refusal, number>;
  /** `admin 200`: there are as many as scopes and statuses of ours. */
  readonly #answers = new Map<string, number>();
  #toldAtMs = Number.NEGATIVE_INFINITY;
  #untold = 0;

  /** @param nowMs monotonic, milliseconds. */
  constructor(nowMs: () => number, log: Pick<ControlLog, "warn">) {
    this.#nowMs = nowMs;
    this.#log = log;
    this.#limit = new FailureLimit(nowMs);
  }

  /** How many were turned away since the start, by reason. */
  get refused(): Readonly<Record<Refusal, number>> {
    return this.#refused;
  }

  /** What was answered since the start: by the scope of who asked (`none` = of somebody turned away), and by status. */
  *answers(): Iterable<{ readonly scope: string; readonly status: number; readonly count: number }> {
    for (const [key, count] of this.#answers) {
      const [scope, status] = key.split(" ");
      yield { scope, status: Number(status), count };
    }
  }

  /** A response was made. @param scope of who asked; `null` = of nobody who was let in. */
  note(scope: Scope | null, status: number): void {
    const key = `${scope ?? "none"} ${status}`;
    this.#answers.set(key, (this.#answers.get(key) ?? 0) + 1);
  }

  /** Who asks, when it may do what needs `scope`; throws 401, 403 or 429. */
  admit(request: Request, visitor: Visitor, scope: Scope): Caller {
    const { policy } = visitor;
    const given = bearerOf(request);
    const token = given === null ? undefined : findToken(policy.tokens, given);
    // A page cannot know a token, so whoever has one is no page that was led here by a name; and what is public on a
    // listener for others tells nothing that they must not know.
    const nameless = token !== undefined || (scope === "public" && !policy.loopbackOnly);
    if (!nameless && !hasOwnName(request, policy)) {
      const right = "reach the admin port as localhost or by address, or name this host in ADMIN_ALLOWED_HOSTS";
      throw this.#refuse("host", new ApiError(403, "foreign_host", right));
    }
    const reads = isReading(request);
    if ((!reads || scope !== "public") && isForeign(request, policy)) {
      throw this.#refuse("site", new ApiError(403, "cross_site", "requests from other sites' pages are refused"));
    }
    const caller = callerOf(request, visitor, token);
    if (!includes(caller.scope, scope)) throw this.#refusalOf(visitor, given, token?.scope, scope);
    return caller;
  }

  #refusalOf({ client, policy }: Visitor, given: string | null, has: Scope | undefined, needed: Scope): ApiError {
    if (has !== undefined) {
      const sentence = `this needs a token of scope ${needed}: the one given has ${has}`;
      const challenge = `Bearer realm="neurabalancer", error="insufficient_scope", scope="${needed}"`;
      return this.#refuse(
        "scope",
        new ApiError(403, "insufficient_scope", sentence, { "www-authenticate": challenge }),
      );
    }
    if (policy.tokens.length === 0) {
      const sentence =
        "there are no tokens, so only this machine may ask for this: set ADMIN_TOKENS (neurabalancer token new makes one)";
      return this.#refuse("this_machine_only", new ApiError(403, "this_machine_only", sentence));
    }
    if (given === null) {
      const sentence = "give a token as: Authorization: Bearer <token> (ADMIN_TOKENS, ADMIN_TOKEN)";
      return this.#refuse("no_token", new ApiError(401, "unauthorized", sentence, CHALLENGE));
    }
    const waitMs = this.#limit.count(client);
    if (waitMs === 0) {
      this.#tell(client);
      const sentence = "there is no such token (ADMIN_TOKENS, ADMIN_TOKEN)";
      return this.#refuse("wrong_token", new ApiError(401, "unauthorized", sentence, CHALLENGE));
    }
    const retryAfter = { "retry-after": String(Math.ceil(waitMs / 1000)) };
    const sentence = "too many wrong tokens came: a right one is taken all the same";
    return this.#refuse("throttled", new ApiError(429, "too_many_failures", sentence, retryAfter));
  }

  #refuse(reason: Refusal, error: ApiError): ApiError {
    this.#refused[reason]++;
    return error;
  }

  #tell(client: string): void {
    this.#untold++;
    const nowMs = this.#nowMs();
    if (nowMs - this.#toldAtMs < TOLD_EVERY_MS) return;
    this.#log.warn({ client, tries: this.#untold }, "a wrong token was given at the admin port");
    this.#toldAtMs = nowMs;
    this.#untold = 0;
  }
}

/** Without tokens the machine's own people are trusted, and nobody whom a proxy on it brings; others may read metrics. */
function callerOf({ headers }: Request, visitor: Visitor, token: KnownToken | undefined): Caller {
  const { client, policy } = visitor;
  const certificate = visitor.certificate ?? undefined;
  if (token !== undefined) return { name: token.name, client, certificate, scope: token.scope };
  if (policy.tokens.length > 0) return { name: "", client, certificate, scope: "public" };
  // Who may have a certificate is the operator's word, as who has a token is.
  if (certificate !== undefined) return { name: "", client, certificate, scope: "admin" };
  const ownMachine = isLoopback(client) && ![...headers.keys()].some((name) => FORWARDED.test(name));
  return { name: "", client, scope: ownMachine ? "admin" : "metrics" };
}

/** `null` = there is none; what is there and is no bearer's is a wrong token. */
function bearerOf({ headers }: Request): string | null {
  const field = headers.get("authorization");
  if (field === null) return null;
  return /^Bearer +(\S+) *$/i.exec(field)?.[1] ?? "";
}
