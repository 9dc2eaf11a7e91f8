/** One question to one address, with a deadline over all of it. */
import { isIP } from "node:net";
import { createSecureContext, type SecureContext } from "node:tls";
import { trustedAuthorities, usualAuthorities } from "../../shared/authorities.ts";
import type { CheckFailure, CheckSkip } from "../../shared/health-causes.ts";
import { type ProxyProtocolVersion, proxyHeader } from "../../shared/proxy-protocol/writer.ts";
import type { UpstreamTls } from "../../shared/upstream-tls.ts";
import { lacksDescriptors, ownShortage } from "../own-shortage.ts";
import { causeOfError } from "./cause.ts";
import { ConnectDialogue, Http1Dialogue, isProblem, type ProbeDialogue, type ProbeProblem } from "./dialogue.ts";
import { GRPC_HEALTH_PATH, grpcHealthRequest, readGrpcHealth } from "./grpc.ts";
import { Http2Dialogue, plainReply } from "./http2.ts";
import type { ProbeReply } from "./response.ts";
import { openCancellably, openQuickly, type ProbeTarget } from "./socket.ts";

/** One field line. */
export interface ProbeField {
  readonly name: string;
  readonly value: string;
}

/** What a probe asks. */
export interface ProbeRequest {
  readonly target: ProbeTarget;
  /** `tcp`: the connection is all. `grpc`: by `grpc.health.v1`, which is for targets that speak HTTP/2. Default: `http`. */
  readonly type?: ProbeType;
  /** Of `grpc`: which service is asked about; "" = all of the server. */
  readonly grpcService?: string;
  /** Origin-form: path and query. Of `http`. */
  readonly path: string;
  readonly timeoutMs: number;
  /** Trust for TLS targets: see `probeTrust`. */
  readonly trust: SecureContext | undefined;
  /** Product version, for `User-Agent`. */
  readonly version: string;
  /** `Host` field instead of the target's own name and port. TLS goes by the target's name all the same. */
  readonly host?: string | null;
  /** More fields; one of the same name replaces ours. Names and values were checked when they were read. */
  readonly headers?: readonly ProbeField[] | null;
  /**
   * Wait for the whole body; otherwise the status is enough and a body without end does no harm. A text: wait for the body until
   * that is found in it.
   */
  readonly wantBody: boolean | string;
  /** The server is told by the PROXY protocol that the connection is our own; not there = it is told nothing. */
  readonly proxyProtocol?: ProxyProtocolVersion | null;
  /** The server accepted the last probe: see socket.ts. */
  readonly accepts: boolean;
}

/** How servers are asked. */
export type ProbeType = "http" | "tcp" | "grpc";

/** What came of a probe. Of `tcp` and `grpc`, a response means that all is well. */
export type ProbeResult =
  | { readonly kind: "response"; readonly status: number; readonly body: string }
  /** `reason` is a few words for an operator: "connection refused". */
  | { readonly kind: "error"; readonly cause: CheckFailure; readonly reason: string }
  /** It could not be made, for want of something of our own: the server may be well or not. */
  | { readonly kind: "skipped"; readonly cause: CheckSkip };

/** A process that was kept from running finds its timer over and the response there: the response is read first. */
const LATE_RESPONSE_MS = 50;

/** A probe under way. */
export interface RunningProbe {
  /** Never rejects. */
  readonly result: Promise<ProbeResult>;
  /** Ends the probe now and frees its descriptor; the result is an error. */
  abort(): void;
}

/**
 * Trust in the usual authorities and those of `extraCaPem`, and the certificate that servers are shown; `undefined` = the
 * usual alone, and none. Throws on a malformed PEM.
 */
export function probeTrust(
  extraCaPem: string,
  certificate: UpstreamTls["upstreamCertificate"] = null,
): SecureContext | undefined {
  // Made once per configuration: parsing a hundred certificates for each probe would cost more than the probe.
  const ca = trustedAuthorities(extraCaPem);
  if (ca === undefined && certificate === null) return undefined;
  return createSecureContext({
    ca: ca ?? usualAuthorities(),
    ...(certificate && { cert: certificate.certPem, key: certificate.keyPem }),
  });
}

/** Starts a probe. */
export function startProbe(request: ProbeRequest): RunningProbe {
  const { promise, resolve } = Promise.withResolvers<ProbeResult>();
  const dialogue = dialogueOf(request);
  let done = false;

  if (lacksDescriptors()) {
    return { result: Promise.resolve({ kind: "skipped", cause: "descriptors" }), abort: () => {} };
  }
  const finish = (result: ProbeResult): void => {
    if (done) return;
    done = true;
    clearTimeout(timer);
    socket.close();
    resolve(result);
  };
  const fail = (cause: CheckFailure, reason: string): void => finish({ kind: "error", cause, reason });
  let timer = setTimeout(() => {
    timer = setTimeout(() => fail("timeout", `timeout after ${seconds(request.timeoutMs)}`), LATE_RESPONSE_MS);
  }, request.timeoutMs);
  const look = (found: ProbeReply | ProbeProblem | undefined): void => {
    if (found === undefined) return;
    if (isProblem(found)) fail(found.cause, found.reason);
    else finish({ kind: "response", status: found.status, body: found.body });
  };

  const { target, trust } = request;
  const user = {
    request: dialogue.request,
    preface: request.proxyProtocol ? proxyHeader(request.proxyProtocol, "", target.address, target.port) : null,
    onOpen: () => {
      if (dialogue.request.length === 0) finish({ kind: "response", status: 200, body: "" });
    },
    onData: (packet: Buffer) => {
      if (!done) look(dialogue.push(packet));
    },
    onEnd: () => look(dialogue.end()),
    onError: (error: NodeJS.ErrnoException) => {
      const cause = ownShortage(error, target.address);
      if (cause !== null) finish({ kind: "skipped", cause });
      else fail(causeOfError(error.code ?? "", target.tls), describeError(error));
    },
  };
  const socket = request.accepts && !target.tls ? openQuickly(target, user) : openCancellably(target, trust, user);
  return { result: promise, abort: () => fail("other", "aborted") };
}

function dialogueOf(request: ProbeRequest): ProbeDialogue {
  const { type = "http", target, grpcService = "", wantBody } = request;
  if (type === "tcp") return new ConnectDialogue();
  const none = new Uint8Array(0);
  if (type === "grpc") {
    const fields = [
      ["content-type", "Content-Type: application/grpc\r\n"],
      ["te", "TE: trailers\r\n"],
    ] as const;
    const head = requestHead({ ...request, path: GRPC_HEALTH_PATH }, "POST", fields);
    return new Http2Dialogue(head, grpcHealthRequest(grpcService), target.tls, readGrpcHealth);
  }
  const head = requestHead(request, "GET", [["accept", "Accept: */*\r\n"]]);
  return target.http2
    ? new Http2Dialogue(head, none, target.tls, plainReply(wantBody))
    : new Http1Dialogue(head, wantBody);
}

/** @param usual fields by their names in lower case; those that the operator gives replace them. */
function requestHead(
  { target, path, version, host, headers }: ProbeRequest,
  method: "GET" | "POST",
  usual: readonly (readonly [name: string, line: string])[],
): string {
  const name = isIP(target.hostname) === 6 ? `[${target.hostname}]` : target.hostname;
  const authority = target.port === (target.tls ? 443 : 80) ? name : `${name}:${target.port}`;
  const fields = new Map([["user-agent", `User-Agent: neurabalancer-health/${version}\r\n`], ...usual]);
  for (const field of headers ?? []) fields.set(field.name.toLowerCase(), `${field.name}: ${field.value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\nHost: ${host ?? authority}\r\n${[...fields.values()].join("")}Connection: close\r\n\r\n`;
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  EPIPE: "connection reset",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "network unreachable",
  ETIMEDOUT: "connect timeout",
  EADDRNOTAVAIL: "no local address of this family",
};

/** What OpenSSL says of a certificate that no trusted authority vouches for; one authority more would mend each. */
const UNTRUSTED: ReadonlySet<string> = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

function describeError({ code = "", message }: NodeJS.ErrnoException): string {
  if (UNTRUSTED.has(code)) return `${message} (UPSTREAM_CA_FILE names authorities to trust beside the system's)`;
  return REASONS[code] ?? message;
}

function seconds(ms: number): string {
  return ms >= 1000 ? `${Number((ms / 1000).toFixed(1))} s` : `${ms} ms`;
}
