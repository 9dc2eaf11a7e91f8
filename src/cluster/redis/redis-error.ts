/** Why Redis did not do what it was asked: of which kind that is, and in words that say what would be right. */
import { shortened } from "../../shared/shortened.ts";
import { visible } from "../../shared/visible-text.ts";

/**
 * `timeout`: no answer in time; `refused`: not to be reached, or the connection broke; `auth`: password, user or permissions;
 * `tls`: no TLS, or a certificate that is not believed; `full`: `maxmemory`; `readonly`: a replica; `script`: what the script did
 * there is an error, also because of data of another kind; `other`: the text says it.
 */
export type RedisErrorKind = "timeout" | "refused" | "auth" | "tls" | "full" | "readonly" | "script" | "other";

/** What every question to Redis rejects with. */
export class RedisError extends Error {
  override readonly name = "RedisError";
  readonly kind: RedisErrorKind;
  /** What Redis answered, as it stands; `null` = nothing. For who goes by it, not for people. */
  readonly reply: string | null;

  constructor(kind: RedisErrorKind, message: string, reply: string | null = null) {
    super(message);
    this.kind = kind;
    this.reply = reply;
  }
}

/** Longer texts from outside are cut. */
const MOST_TEXT = 300;

/** What Redis itself answered. @param where who did, host:port. @param password the setting that has the password. */
export function errorOfReply(reply: string, where: string, password: string): RedisError {
  const [kind, message] = meaningOf(reply, where, password);
  return new RedisError(kind, message, reply);
}

function meaningOf(reply: string, where: string, password: string): readonly [RedisErrorKind, string] {
  const text = outside(reply.replace(/, with args beginning with.*$/s, "")); // a password may be among them
  const has = (pattern: RegExp): boolean => pattern.test(reply);
  if (has(/\bNOAUTH\b/)) return ["auth", `${where} wants a password: set ${password}`];
  if (has(/\bWRONGPASS\b|invalid password/))
    return ["auth", `${where} does not take the password: check ${password} and the user (${text})`];
  if (has(/without any password configured|no password is set/))
    return ["auth", `${where} has no password although ${password} is set: is it the right server?`];
  if (has(/\bNOPERM\b/)) return ["auth", `${where}: the user may not do what is asked (${text})`];
  if (has(/\bOOM\b/)) return ["full", `${where} is full, and takes no more (maxmemory): ${text}`];
  if (has(/\bREADONLY\b/)) return ["readonly", `${where} is a replica, which takes no writes: ${text}`];
  if (has(/\bWRONGTYPE\b/))
    return ["script", `${where} has data of another kind under names of ours ("neurabalancer:"): ${text}`];
  if (has(/^LOADING\b/)) return ["other", `${where} is still reading its data (${text})`];
  if (has(/^CLUSTERDOWN\b/)) return ["other", `the Redis Cluster does not work, ${where} says: ${text}`];
  if (has(/^(MOVED|ASK)\b/))
    return ["other", `${where} is a server of a Redis Cluster: REDIS_CLUSTER_ADDRS is for those`];
  if (has(/cluster support disabled/))
    return ["other", `${where} is no server of a Redis Cluster: REDIS_ADDR is for such`];
  if (has(/DB index is out of range|SELECT is not allowed/))
    return ["other", `${where} has no such database: check REDIS_DB (${text})`];
  if (has(/script/i)) return ["script", `${where}: the script failed: ${text}`];
  return ["other", `${where}: ${text}`];
}

/** Codes of what is wrong with TLS, as runtime and library have them. */
const TLS_CODE = /^(SELF_SIGNED|DEPTH_ZERO|UNABLE_TO|CERT_|ERR_TLS_|ERR_SSL|ERR_OSSL|INVALID_|HOSTNAME_|EPROTO)/;
/** What the library makes of an answer that is none: it has no code for that. Arrays in arrays without end are too deep for it. */
const NO_PROTOCOL = /Unknown RESP type|waitingForReply|Maximum call stack size/;
const BROKEN = /^(ECONNRESET|EPIPE|ERR_STREAM_DESTROYED|ConnectionClosed)$/;

/** What happened to a connection. @param phase whether it was open already. @param isTls whether it is one of TLS. */
export function errorOfConnection(
  error: Error,
  where: string,
  phase: "connecting" | "open",
  isTls: boolean,
): RedisError {
  const code = String((error as NodeJS.ErrnoException).code ?? "");
  const text = outside(error.message);
  if (code === "ECONNREFUSED")
    return new RedisError("refused", `${where} refuses connections: is Redis running there? (${code})`);
  if (/^(ENOTFOUND|EAI_|DNS_)/.test(code))
    return new RedisError("refused", `${where}: the name cannot be resolved (${code})`);
  if (TLS_CODE.test(code)) return new RedisError("tls", certificateError(code, text, where));
  if (NO_PROTOCOL.test(error.message))
    return new RedisError("other", `${where} does not speak as Redis does: is it another program? (${text})`);
  if (phase === "open") return new RedisError("refused", `the connection to ${where} broke off (${text})`);
  if (error.name === "ConnectionTimeoutError" || error.message === "Connection timeout")
    return noConnection(where, isTls);
  if (!BROKEN.test(code) && !/closed/i.test(error.message))
    return new RedisError("refused", `${where} cannot be reached: ${text}`);
  return isTls
    ? new RedisError(
        "tls",
        `${where} ended the TLS handshake: does it want a certificate (REDIS_TLS_CERT_FILE)? (${text})`,
      )
    : new RedisError(
        "refused",
        `${where} ended the connection before it said anything: is Redis up there, and does it speak TLS alone (REDIS_TLS)? (${text})`,
      );
}

/** There is no connection in time. */
export function noConnection(where: string, isTls: boolean): RedisError {
  const maybe = isTls ? ": is TLS spoken there (REDIS_TLS)?" : "";
  return new RedisError("timeout", `${where} does not answer while it is connected with${maybe}`);
}

function certificateError(code: string, text: string, where: string): string {
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID" || code === "HOSTNAME_MISMATCH")
    return `the certificate of ${where} is for other names: ${text}`;
  if (code === "CERT_HAS_EXPIRED") return `the certificate of ${where} is out of date (${code})`;
  if (/^(SELF_SIGNED|DEPTH_ZERO|UNABLE_TO)/.test(code))
    return `the certificate of ${where} is signed by nobody who is believed: check REDIS_TLS_CA_FILE (${code})`;
  return `TLS with ${where} fails: ${text} (${code})`;
}

function outside(text: string): string {
  return shortened(visible(text), MOST_TEXT);
}
