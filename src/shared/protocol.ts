/**
 * What the supervisor and its workers tell each other over the IPC channel: structure and settings. Everything that
 * changes with traffic is in the shared memory instead. Messages are JSON.
 */
import type { GivenTo } from "../config/given.ts";
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

/**
 * The settings of the request path; a frozen, JSON-safe extract of the configuration. Times in milliseconds. Most are
 * handed over as they are declared (src/config/sections/: `givenTo`); these are worked out.
 */
export interface ProxySettings extends GivenTo<"worker"> {
  /** CIDR ranges whose forwarding fields are believed. */
  readonly trustedProxies: readonly string[];
  /** Servers are not told of this proxy in `Via`. */
  readonly withoutVia: boolean;
  /** Failures in a row that eject a server: workers pass it over from then on (`FailingServers`); 0 = off. */
  readonly outlierConsecutiveFailures: number;
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

/**
 * The settings of the learner; a frozen, JSON-safe extract of the configuration. Times in milliseconds, shares 0 … 1.
 * Beside those that are handed over as they are declared, these are worked out.
 */
export interface LearnerSettings extends GivenTo<"learner"> {
  readonly canaryShare: number;
  readonly controlShare: number;
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
