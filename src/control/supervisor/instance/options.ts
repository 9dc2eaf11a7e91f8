/** What an instance is made from. */
import type { Logger } from "../../../telemetry/log/logger.ts";
import type { ControlClock } from "../../clock.ts";
import type { Resolver } from "../../discovery/dns/resolver.ts";
import type { ConfigurationOptions } from "../configuration.ts";

/** Its parts from outside. */
export interface InstanceOptions
  extends Pick<ConfigurationOptions, "config" | "effective" | "over" | "reload" | "trial" | "refused" | "onInForce"> {
  readonly log: Logger;
  /** Program and arguments of a worker. */
  readonly workerCommand: readonly string[];
  /** Program and arguments of the learner. */
  readonly learnerCommand: readonly string[];
  /** Program and arguments of the recorder. */
  readonly recorderCommand: readonly string[];
  /** Program and arguments of the tracer. */
  readonly tracerCommand: readonly string[];
  /** Program and arguments before a command of the command line. */
  readonly program: readonly string[];
  readonly clock: ControlClock;
  /** What, added to the monotonic clock, gives the boot clock (boot-clock.ts). */
  readonly bootOffsetMs: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Two words that nobody can guess. */
  readonly secret: () => Uint32Array;
  readonly resolver: Resolver;
  /** How often files of certificates are looked at. */
  readonly certificatePollMs: number;
  /** How long this instance may take until it can take over from one that has its ports; `null` = it takes over from nobody. */
  readonly takeOverMs?: number | null;
}
