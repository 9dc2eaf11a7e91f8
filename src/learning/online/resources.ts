/** What the learners of all pools have in common, once in the process: the store, what waits for it, and whose turn to train it is. */
import type { LearnerSettings } from "../../protocol/learner.ts";
import type { LearningStore, Verdict } from "../../storage/learning-store.ts";
import { openLearningStore } from "../../storage/open-store.ts";
import type { Logger } from "../../telemetry/log/logger.ts";
import { ModelStatuses } from "./shelf/model-statuses.ts";
import { TrainingTurns } from "./training/training-turns.ts";

/** What they are made from. */
export interface ResourcesOptions {
  readonly settings: Pick<LearnerSettings, "store" | "maxSamples" | "maxBytes">;
  readonly log: Logger;
  /** Milliseconds since the epoch. */
  readonly wallMs: () => number;
  /** Told of each verdict. Default: nobody is. */
  readonly onVerdict?: (verdict: Verdict) => void;
  /** See `OpenStoreOptions`: whoever begins anew has what is kept there. */
  readonly onAvailable?: () => void;
}

export class Resources {
  readonly store: LearningStore;
  readonly statuses: ModelStatuses;
  readonly turns = new TrainingTurns();
  readonly #onVerdict: (verdict: Verdict) => void;
  #replacements = 0;

  private constructor(store: LearningStore, onVerdict: (verdict: Verdict) => void) {
    this.store = store;
    this.#onVerdict = onVerdict;
    this.statuses = new ModelStatuses(store);
  }

  /** Opens the store. Never rejects for what is wrong with its place: what is learned is kept in memory then. */
  static async open({
    settings,
    log,
    wallMs,
    onVerdict = () => {},
    onAvailable,
  }: ResourcesOptions): Promise<Resources> {
    let opened: Resources | null = null;
    const { store, problem } = await openLearningStore(settings.store, {
      nowMs: wallMs,
      onAvailable,
      limits: { maxSamples: settings.maxSamples, maxBytes: settings.maxBytes },
      events: {
        degraded: ({ kind, message }) => log.warn({ problem: kind }, `the store of what is learned: ${message}`),
        recovered: (_problem, lastedMs) =>
          log.info({ lasted_seconds: Math.round(lastedMs / 1000) }, "the store of what is learned works again"),
        movedAside: (path, reason) => {
          log.error({ moved_to: path }, `the store of what is learned is damaged, a new one is begun: ${reason}`);
          if (opened !== null) opened.#replacements++;
        },
      },
    });
    if (problem !== null) log.warn(`the store of what is learned: ${problem}`);
    opened = new Resources(store, onVerdict);
    return opened;
  }

  /** Keeps a verdict, and tells who wants to know. */
  appendVerdict(verdict: Verdict): void {
    this.store.appendVerdict(verdict);
    this.#onVerdict(verdict);
  }

  /** How often a new store was begun, which knows nothing of the champions: each pool's learner sees by it that it was. */
  get replacements(): number {
    return this.#replacements;
  }
}
