/**
 * What the supervisor and its workers tell each other over the IPC channel: structure and settings. Everything that
 * changes with traffic is in the shared memory instead. Messages are JSON.
 */
import type { StoreLocation } from "./store-location.ts";

/** Where a server is reached. `slot` and `id` name its row in the shared server table. */
export interface Endpoint {
  readonly slot: number;
  readonly id: number;
  /** As configured, without a trailing slash: `http://backend-1:8001`. */
  readonly url: string;
  /** Name in the URL, for `Host`-independent purposes: TLS server name and certificate check. */
  readonly hostname: string;
  /** The IP address to connect to (one of the name's addresses). */
  readonly address: string;
  readonly port: number;
  readonly tls: boolean;
}

/** The settings of the request path; a frozen, JSON-safe extract of the configuration. Times in milliseconds. */
export interface ProxySettings {
  readonly host: string;
  readonly port: number;
  readonly strategy: string;
  /** What `consistent_hash` hashes: `client_ip`, `header:<name>` or `cookie:<name>`. */
  readonly hashOn: string;
  /** Bounded-load factor of `consistent_hash`, ≥ 1 (Mirrokni et al. 2016: 1.25). */
  readonly hashBalanceFactor: number;
  /** Paths of the contract (`/health/*`, `/metrics`, `/api/v1/*`) are answered here rather than proxied. */
  readonly reservedPaths: boolean;
  readonly prometheusEnabled: boolean;
  /** CIDR ranges whose forwarding fields are believed. */
  /** Clients that have sent their FIN are still served. */
  readonly clientHalfClose: boolean;
  readonly trustedProxies: readonly string[];
  /** Sockets by system calls of our own, where the system allows it. */
  readonly nativeSockets: boolean;
  readonly connectTimeoutMs: number;
  readonly requestHeadTimeoutMs: number;
  readonly requestBodyTimeoutMs: number;
  readonly responseHeadTimeoutMs: number;
  readonly responseBodyTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly tunnelTimeoutMs: number;
  readonly upstreamIdleTimeoutMs: number;
  /** Idle connections kept per server and worker. */
  readonly upstreamMaxIdle: number;
  /** Servers are not told of this proxy in `Via`. */
  readonly withoutVia: boolean;
  readonly shutdownTimeoutMs: number;
  /** Attempts after the first. */
  readonly retryAttempts: number;
  /** Retries allowed as a share of requests, percent (a floor of 3 per second is always allowed). */
  readonly retryBudgetPercent: number;
  /** Statuses (500 … 599) after which an idempotent request is sent to another server. */
  readonly retryOnStatus: readonly number[];
  /** Time for one attempt while another one is allowed; 0 = only `responseHeadTimeoutMs` counts. */
  readonly perTryTimeoutMs: number;
  /** A second server is asked when the first has not answered for so long; 0 = never. */
  readonly hedgeAfterMs: number;
  /** Second attempts allowed as a share of requests, percent. */
  readonly hedgeBudgetPercent: number;
  /** Failures in a row that eject a server: workers pass it over from then on (`FailingServers`); 0 = off. */
  readonly outlierConsecutiveFailures: number;
  /** Most servers that may be ejected at once, percent. */
  readonly outlierMaxEjectedPercent: number;
  readonly outlierBaseEjectionMs: number;
  readonly queueSize: number;
  readonly queueTimeoutMs: number;
  readonly maxHeaderBytes: number;
  readonly maxHeaderCount: number;
  /** 0 = no limit, here and below. */
  readonly maxBodyBytes: number;
  readonly maxConnections: number;
  readonly maxConnectionsPerClient: number;
  readonly maxRequestsPerConnection: number;
  readonly accessLog: boolean;
  /** Share of requests that are logged, 0 … 1. Failed requests (5xx) are logged always. */
  readonly accessLogSample: number;
  readonly logFormat: "json" | "text";
  readonly logLevel: string;
  /** PEM texts, read and checked by the supervisor; the first is the default. */
  readonly tls: { readonly port: number; readonly certificates: readonly TlsCertificate[] } | null;
  /** PEM bundle that HTTPS servers are verified against, beside the system's; empty = the system's only. */
  readonly upstreamCaPem: string;
}

/** A certificate with its key, checked. */
export interface TlsCertificate {
  readonly certPem: string;
  readonly keyPem: string;
  /** DNS names of the certificate, lower case, with `*.` wildcards. */
  readonly names: readonly string[];
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
}

/** The settings of the learner; a frozen, JSON-safe extract of the configuration. Times in milliseconds, shares 0 … 1. */
export interface LearnerSettings {
  /** Samples are kept, models are trained and tried without being asked to. */
  readonly learning: boolean;
  /** From the beginning of one training to that of the next, at least. */
  readonly trainIntervalMs: number;
  readonly canaryShare: number;
  readonly controlShare: number;
  /** How many times faster than usual the judges' waiting times pass. */
  readonly judgeSpeed: number;
  readonly store: StoreLocation;
  readonly maxSamples: number;
  readonly maxBytes: number;
  /** A model made elsewhere that is to route, instead of those that are learned. */
  readonly modelFile: {
    readonly path: string;
    readonly scalerPath: string | null;
    readonly inputName: string;
    readonly outputName: string;
  } | null;
  /** A model server that is to be asked, instead of any model here. */
  readonly modelServer: {
    readonly endpoint: string;
    readonly timeoutMs: number;
    readonly circuitBreakerResetMs: number;
    readonly cacheSize: number;
  } | null;
}

/** What the learner is started with, as JSON in its first message. */
export interface LearnerStart {
  readonly type: "start";
  readonly memoryPath: string;
  readonly logFormat: ProxySettings["logFormat"];
  readonly logLevel: string;
  readonly settings: LearnerSettings;
  /** Program and arguments before the command, to train with. */
  readonly program: readonly string[];
  readonly servers: readonly NamedAddress[];
}

/** What a server is called: ids are of one run only. */
export type NamedAddress = Pick<Endpoint, "id" | "url" | "address">;

/** What an operator may order about models. */
export const LEARNER_ORDERS = ["promote", "rollback", "reject", "pause", "resume", "train"] as const;
/** One of them. */
export type LearnerOrder = (typeof LEARNER_ORDERS)[number];

/** Orders that are about one version. */
export const ORDERS_OF_A_VERSION: readonly LearnerOrder[] = ["promote", "reject"];

/** What became of an order. `message` is a sentence for the operator; `done` = it was carried out. */
export interface LearnerOrderReply {
  readonly done: boolean;
  readonly message: string;
}

/** What the learner is asked, for people; it answers with JSON, or with null when it does not know. */
export type LearnerQuestion =
  /** Why did this request go where it went? An `Explanation`. */
  | { readonly kind: "explain"; readonly requestId: string }
  /** What does it know of the servers now? A `LearnerDescription`. */
  | { readonly kind: "describe" }
  /** A `LearnerOrderReply`. */
  | { readonly kind: "order"; readonly order: LearnerOrder; readonly version: number | null }
  /** Models, the newest first. */
  | { readonly kind: "models"; readonly limit: number }
  /** Verdicts, the newest first. */
  | { readonly kind: "verdicts"; readonly limit: number; readonly modelVersion: number | null };

/** What the supervisor tells the learner. */
export type ToLearner =
  | LearnerStart
  /** The response carries the same number. */
  | { readonly type: "ask"; readonly number: number; readonly question: LearnerQuestion }
  /** The fleet changed. */
  | { readonly type: "servers"; readonly servers: readonly NamedAddress[] }
  /** SIGHUP: how it writes its log from now on. */
  | { readonly type: "log"; readonly level: string; readonly format: "json" | "text" }
  /** Exit with 0. */
  | { readonly type: "drain" };

/** What the learner tells the supervisor. */
export type FromLearner =
  /** It makes tables from now on. */
  | { readonly type: "ready" }
  /** It cannot start: a sentence for the operator. It exits with 1. */
  | { readonly type: "failed"; readonly message: string }
  | { readonly type: "answer"; readonly number: number; readonly answer: unknown };

/** What the supervisor tells a worker. */
export type ToWorker =
  | WorkerStart
  /** The fleet changed. The numbers beside it are in the shared server table. */
  | { readonly type: "endpoints"; readonly endpoints: readonly Endpoint[] }
  /** SIGHUP: new settings; connections live on. */
  | { readonly type: "settings"; readonly settings: ProxySettings }
  /** Stop accepting, finish what is in flight, then exit with 0. */
  | { readonly type: "drain" };

/** What a worker tells the supervisor. */
export type FromWorker =
  /** Listening, with the ports that were bound (they differ from the settings' when those are 0). */
  | { readonly type: "ready"; readonly port: number; readonly tlsPort: number }
  /** Could not listen or start: a sentence for the operator. The worker exits with 1. */
  | { readonly type: "failed"; readonly message: string };
