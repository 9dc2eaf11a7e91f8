/**
 * What a balancing strategy is: it chooses one of the candidates it is given and does nothing else. Health, drain,
 * capacity and retries are the caller's business (proxy/pick/picker.ts); clocks and randomness are passed in, so that the
 * simulator runs the very code that serves traffic.
 */
import type { LearnedTable } from "../shared/memory/layout/learning.ts";
import type { ChoiceNotes } from "./choice.ts";
import type { RequestWork } from "./request-work.ts";

/** The fleet as a strategy sees it: columns indexed by slot. The arrays are live and only read. */
export interface FleetView {
  /** Requests in flight over all workers, without the one that is being placed. */
  readonly inFlight: Int32Array;
  /** Configured weight × slow-start factor, > 0 and finite (shared/ranges.ts, `WEIGHT`). How each strategy honours it: slow-start.ts. */
  readonly effectiveWeight: Float64Array;
  /** Configured weight, > 0: `effectiveWeight / weight` is the slow-start factor. */
  readonly weight: Float64Array;
  /** Identity of the server in a slot: a slot may be given to another server, an id never is. */
  readonly id: Int32Array;
  /**
   * Hash of what the server is outside this run (`serverIdentityHash` of its URL and address): the same in every
   * worker, instance and restart, whatever its slot. Only `consistent_hash` looks at it.
   */
  readonly identityHash: Uint32Array;
  /** What requests are expected to cost; given where the pool tells classes of them apart. */
  readonly work?: RequestWork;
  /** Given when all who place requests at these servers count `inFlight` together, live. */
  readonly together?: SharedSilence;
  /** Given when instances share numbers: what the others told of their requests, which is part of what is counted together. */
  readonly peers?: PeerRequests;
}

/** Requests that other instances placed, as they last told of them: by slot, some hundred milliseconds old. */
export interface PeerRequests {
  /** Part of `FleetView.inFlight`. */
  readonly inFlight: Int32Array;
  /** Part of `SharedSilence.transferring`. */
  readonly transferring: Int32Array;
}

/** When each server was last heard of by anybody. */
export interface SharedSilence {
  /** By slot: when the last response came to anyone, or the first request was sent that waits since; milliseconds. */
  readonly sinceMs: Float64Array;
  /**
   * By slot: those in flight whose body still comes, or whose response has begun. Nobody waits for their server meanwhile, and
   * its silence is no sign.
   */
  readonly transferring: Int32Array;
  /** Added to the strategy's clock it gives the one that all use. */
  readonly clockOffsetMs: number;
}

/** What a strategy is made from. */
export interface StrategyDependencies {
  readonly fleet: FleetView;
  /** Uniform in [0, 1). Seeded in tests and in the simulator. */
  readonly random: () => number;
  /** What the learner has published; only `ml` looks at it, and balances by its estimator where there is none. */
  readonly learned?: LearnedTable;
  /** Where `ml` notes how each choice came about. */
  readonly decisions?: DecisionLog;
}

/** How a choice came about. The object and its arrays are used again for the next one. */
export interface Decision {
  /** The choice. */
  readonly slot: number;
  /** A `DecisionArm`. */
  readonly arm: number;
  /** The `Rung` whose policy chose. */
  readonly rung: number;
  /** Probability with which that arm chose this slot, 0 … 1. */
  readonly propensity: number;
  /** Sequence number of the table that the scores came from; 0 = none did. */
  readonly table: number;
  readonly candidates: Int32Array;
  readonly count: number;
  /** By candidate: `packCandidate` of the load that the score is for. Only set where there are scores. */
  readonly loads: Int32Array;
  /** By candidate: what was compared, lower is better. Only set where `table` is not 0. */
  readonly scores: Float64Array;
  /** Monotonic clock, milliseconds. */
  readonly nowMs: number;
}

/** Takes down how a choice came about, so that it can be judged when its outcome is known, and explained. */
export interface DecisionLog {
  /** Called before the request is placed: what is in flight does not count it yet. */
  record(decision: Decision): void;
}

export interface Strategy {
  /**
   * Chooses one of `candidates[0 … count)` (distinct slots in any order, count ≥ 1) and returns its slot. The
   * candidates of one call may be fewer than those of `onCandidates`: a retry leaves out what was tried.
   * @param key 32-bit hash of what the request is to stick to; only `consistent_hash` looks at it.
   * @param nowMs monotonic clock, milliseconds.
   * @param requestClass of the request, 0 … `CLASSES` - 1; only looked at where the fleet has `work`. Left out = 0, the rest.
   */
  pick(candidates: Int32Array, count: number, key: number, nowMs: number, requestClass?: number): number;

  /**
   * Says how the choice came about that `pick` has just made with the same arguments; what is in flight is as it was then. It
   * changes nothing, draws no random number, and is only called where somebody takes it down.
   * @param slot what `pick` returned.
   */
  explain?(
    candidates: Int32Array,
    count: number,
    key: number,
    nowMs: number,
    slot: number,
    notes: ChoiceNotes,
    requestClass?: number,
  ): void;

  /**
   * A request was placed at `slot` without a choice: its client sticks to it. Called before the place in flight is taken. For
   * strategies that watch, or note, what is placed.
   */
  onPlaced?(slot: number, nowMs: number): void;

  /**
   * The candidates changed (membership, health, weight). Called before the next `pick`; what was learned is kept.
   * For strategies that prepare something: the weights and ids in the fleet are live without it.
   */
  onCandidates?(candidates: Int32Array, count: number): void;

  /**
   * An attempt at `slot` got the head of its response, or failed; one whose response breaks off after a good head is told
   * of twice. Strategies that do not learn leave it out. The caller drops the outcomes of servers that have left: the
   * slot may be another's by then.
   * @param inFlightAtDispatch `fleet.inFlight` of the slot when the attempt was placed, without it; left out = unknown.
   * @param ownWork what it was expected to cost, in mean requests; left out = 1, likewise below.
   * @param othersWork what those cost each that were there (`othersWork` of request-work.ts).
   */
  onOutcome?(
    slot: number,
    latencyMs: number,
    failed: boolean,
    nowMs: number,
    inFlightAtDispatch?: number,
    ownWork?: number,
    othersWork?: number,
  ): void;

  /**
   * Whoever calls all this stood still for a while, and so heard nothing of anybody: in what was under way then, time of its own
   * is counted that is no server's. Called before anything else is told or asked behind it.
   * @param fromMs when it stood still, monotonic clock; likewise `untilMs`.
   */
  onStandstill?(fromMs: number, untilMs: number): void;

  /** True when `pick` uses `key`, so that the caller computes it only then. */
  readonly usesKey?: boolean;
}

/** One strategy as configuration and documentation know it. */
export interface StrategyEntry<Options extends object = object> {
  /** As `LB_STRATEGY` has it. */
  readonly name: string;
  /** One line for the reference. */
  readonly description: string;
  /** Settings of its own, by the names under which workers are given them. When one changes, the strategy is made anew. */
  readonly options?: readonly (keyof Options)[];
  /** Throws a `RangeError` when an option of this strategy is out of range. */
  readonly create: (dependencies: StrategyDependencies, options: Options) => Strategy;
}

/**
 * Requests in flight that this instance placed itself. For those who multiply a latency by them: to them one request more or less says
 * so much that they place better without what others told some hundred milliseconds ago (docs/scaling.md).
 */
export function ownInFlight({ inFlight, peers }: Pick<FleetView, "inFlight" | "peers">, slot: number): number {
  return peers === undefined ? inFlight[slot] : Math.max(0, inFlight[slot] - peers.inFlight[slot]);
}
