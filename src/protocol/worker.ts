/**
 * What the supervisor and its workers tell each other over the IPC channel: structure and settings. Everything that
 * changes with traffic is in the shared memory instead. Messages are JSON.
 */
import type { GivenTo } from "../config/given.ts";
import type { AccessLists } from "../shared/addresses/client-access.ts";
import type { PendingChallenge } from "./acme.ts";
import type { Endpoint } from "./endpoint.ts";
import type { PoolSettings, RequestSettings } from "./pool.ts";
import type { WorkerRateLimit } from "./rate-limit.ts";
import type { RouteSpec } from "./route.ts";
import type { TraceSampling } from "./tracer.ts";

/**
 * The settings of the request path; a frozen, JSON-safe extract of the configuration. Times in milliseconds. Most are
 * handed over as they are declared (src/config/sections/: `givenTo`); these are worked out.
 */
export interface ProxySettings extends GivenTo<"worker"> {
  /** CIDR ranges whose forwarding fields are believed. */
  readonly trustedProxies: readonly string[];
  /** PEM texts, read and checked by the supervisor; the first is the default. */
  readonly tls: { readonly port: number; readonly certificates: readonly TlsCertificate[] } | null;
  /** How TLS is spoken with clients. */
  readonly clientTls: ClientTls;
  /** Which clients are served at all. */
  readonly clientAccess: AccessLists;
  /** Whether trusted proxies say whose connections they make, and who they are. */
  readonly proxyProtocol: { readonly on: boolean; readonly from: readonly string[] };
  /** Where clients are listened for; never empty. */
  readonly listeners: readonly ListenerSpec[];
  /** Of requests that go to no pool. */
  readonly request: RequestSettings;
  readonly pools: readonly PoolSettings[];
  /** In the order of the file. */
  readonly routes: readonly RouteSpec[];
  /** In the order in which requests are asked about them. */
  readonly rateLimits: readonly WorkerRateLimit[];
  /** How requests are traced; null = nothing is exported, and what clients say of traces is passed on as it came. */
  readonly tracing: TraceSampling | null;
}

/** A socket for clients. */
export interface ListenerSpec {
  /** Address or name; IPv6 without brackets, `::` is IPv4 as well. */
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  /** With the certificates of `ProxySettings.tls`; without = plain HTTP. */
  readonly tls: boolean;
  /** What it has of its own; what is not there is as for the whole instance. */
  readonly clientAuth?: ClientAuth;
  readonly proxyProtocol?: boolean;
  readonly http2?: boolean;
  /** Beside the instance's: both let a client in. */
  readonly clients?: AccessLists;
}

/** Whether clients show certificates: not at all, if they have one, or else nobody is served. */
export type ClientAuth = "off" | "request" | "require";

/** How TLS is spoken with clients. */
export interface ClientTls {
  readonly minVersion: "1.2" | "1.3";
  /** Suites of TLS 1.2, separated by colons. */
  readonly ciphers: string;
  /** Groups, separated by colons; `null` = the runtime's. */
  readonly curves: string | null;
  readonly auth: ClientAuth;
  /** PEM text: whose certificates clients may show. */
  readonly caPem: string;
  /** PEM texts of one list each, because the runtime reads but the first of several: which were revoked; `null` = nobody asks. */
  readonly crlPems: readonly string[] | null;
}

/** A certificate with its key, checked. */
export interface TlsCertificate {
  readonly certPem: string;
  readonly keyPem: string;
  /** DNS names of the certificate, lower case, with `*.` wildcards. */
  readonly names: readonly string[];
  /** Not of a file of the operator's: got by ACME, or what is shown until it is. */
  readonly origin?: "acme" | "placeholder";
}

/** What a worker is started with, as JSON in its first message. */
export interface WorkerStart {
  readonly type: "start";
  /** Index of the worker's block in the shared memory. */
  readonly index: number;
  readonly memoryPath: string;
  /** Unix socket of the supervisor's admin API: the worker relays `/metrics` and `/api/v1/servers` to it. */
  readonly adminSocket: string;
  readonly settings: ProxySettings;
  readonly endpoints: readonly Endpoint[];
  /** As the message `challenges` has them. */
  readonly challenges: readonly PendingChallenge[];
  /** Unix sockets of workers whose place it takes, which give it their listening sockets; usually none. */
  readonly predecessors: readonly string[];
}

/** What the supervisor tells a worker. */
export type ToWorker =
  | WorkerStart
  /** The fleet changed. The numbers beside it are in the shared server table. */
  | { readonly type: "endpoints"; readonly endpoints: readonly Endpoint[] }
  /** SIGHUP: new settings, with pools and routes, and the servers of these pools, as one change; connections live on. */
  | { readonly type: "settings"; readonly settings: ProxySettings; readonly endpoints: readonly Endpoint[] }
  /** What CAs are to be answered from now on, all of it. */
  | { readonly type: "challenges"; readonly challenges: readonly PendingChallenge[] }
  /** SIGUSR1: the file of the access log was moved, or will be. */
  | { readonly type: "reopen-logs" }
  /** Stop accepting, finish what is in flight, then exit with 0. */
  | { readonly type: "drain" };

/** What a worker tells the supervisor. */
export type FromWorker =
  /** Listening, with the port of each listener (they differ from the settings' when those are 0). */
  | { readonly type: "ready"; readonly ports: readonly number[] }
  /** It goes by what the first `endpoints`, `settings` or `challenges` message that was not yet answered said. */
  | { readonly type: "settled" }
  /** Could not listen or start: a sentence for the operator. The worker exits with 1. */
  | { readonly type: "failed"; readonly message: string };
