/** What the supervisor and the learner tell each other over the IPC channel. Messages are JSON. */
import type { GivenTo } from "../config/given.ts";
import type { StoreLocation } from "../storage/backends.ts";
import type { NamedAddress } from "./endpoint.ts";
import type { RedisPlace } from "./redis-place.ts";
import type { ProxySettings } from "./worker.ts";

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

/** A pool that is learned of. */
export interface LearnerPool {
  /** In the shared memory's table of pools. */
  readonly row: number;
  /** What is learned is kept under it. */
  readonly name: string;
  /** Its strategy is not `ml`: nobody routes by a model of it. */
  readonly observed?: true;
  /** Samples of its traffic are kept though it is observed. Where `ml` balances, that is part of learning. */
  readonly samples?: true;
  /** How many requests its servers work on at once is learned, and published. */
  readonly limits?: true;
  /** What requests of each class cost is learned, and published. */
  readonly classes?: true;
}

/** The other instances, over Redis, with whom what is learned is shared. */
export interface LearnerCluster {
  readonly place: RedisPlace;
  /** What the instances are called together. */
  readonly name: string;
  /** Some of what a learner may share: learned limits and curves, and the model. */
  readonly shares: readonly ("learned" | "model")[];
  /** This one of them. */
  readonly instance: { readonly id: string; readonly name: string };
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
  readonly pools: readonly LearnerPool[];
  /** `null` = nothing is shared. */
  readonly cluster: LearnerCluster | null;
}

/** What an operator may order about models. */
export const LEARNER_ORDERS = ["promote", "rollback", "reject", "pause", "resume", "train"] as const;
/** One of them. */
export type LearnerOrder = (typeof LEARNER_ORDERS)[number];

/** Orders that are about one version. */
export const ORDERS_OF_A_VERSION: readonly LearnerOrder[] = ["promote", "reject"];

/** Whom a choice of the champion is for: all instances that share the model, or this one alone. */
export const ORDER_SCOPES = ["cluster", "instance"] as const;
/** One of them. Where nothing is shared they are the same. */
export type OrderScope = (typeof ORDER_SCOPES)[number];

/** Orders that choose the champion. */
export const ORDERS_OF_THE_CHAMPION: readonly LearnerOrder[] = ["promote", "rollback"];

/** What became of an order. `message` is a sentence for the operator; `done` = it was carried out. */
export interface LearnerOrderReply {
  readonly done: boolean;
  readonly message: string;
}

/** What the learner is asked, for people; it answers with JSON, or with null when it does not know. Without a `pool`: of all. */
export type LearnerQuestion =
  /** Why did this request go where it went? An `Explanation`. */
  | { readonly kind: "explain"; readonly requestId: string; readonly pool: string | null }
  /** What does it know of the servers now? A `LearnerDescription` by name of the pool. */
  | { readonly kind: "describe"; readonly pool: string | null }
  /** A `LearnerOrderReply`. */
  | {
      readonly kind: "order";
      readonly pool: string;
      readonly order: LearnerOrder;
      readonly version: number | null;
      readonly scope: OrderScope;
    }
  /** Models, the newest first. */
  | { readonly kind: "models"; readonly limit: number; readonly pool: string | null }
  /** Verdicts, the newest first. */
  | {
      readonly kind: "verdicts";
      readonly limit: number;
      readonly pool: string | null;
      readonly modelVersion: number | null;
    };

/** What the supervisor tells the learner. */
export type ToLearner =
  | LearnerStart
  /** Its answer carries the same number. */
  | { readonly type: "ask"; readonly number: number; readonly question: LearnerQuestion }
  /** The fleet changed. */
  | { readonly type: "servers"; readonly servers: readonly NamedAddress[] }
  /** Pools came or went: what is learned of those that stay goes on. */
  | { readonly type: "pools"; readonly pools: readonly LearnerPool[] }
  /** SIGHUP: how it writes its log from now on. */
  | { readonly type: "log"; readonly level: string; readonly format: "json" | "text" }
  /** Exit with 0. */
  | { readonly type: "drain" };

/** What the learner tells the supervisor. */
export type FromLearner =
  /** It takes in outcomes from now on. That its store is being opened shows in `LearnerCounter.STORE_OPENING`. */
  | { readonly type: "ready" }
  /** It cannot start: a sentence for the operator. It exits with 1. */
  | { readonly type: "failed"; readonly message: string }
  | { readonly type: "answer"; readonly number: number; readonly answer: unknown }
  /** The judges of a pool have decided something. */
  | {
      readonly type: "verdict";
      readonly pool: string;
      readonly kind: string;
      readonly reason: string;
      /** `null` = of no model of ours. */
      readonly modelVersion: number | null;
      /** What it rests on: anything that JSON can say. */
      readonly numbers: unknown;
    };
