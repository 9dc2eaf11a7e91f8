/** The processes of an instance that there is one of: learner, recorder, tracer. None of them runs yet. */
import type { SharedMemory } from "../../../shared/memory/layout/shared-memory.ts";
import type { Logger } from "../../../telemetry/log/logger.ts";
import type { Journal } from "../../events/journal.ts";
import type { Fleets } from "../../fleet/fleets.ts";
import { learnedPools } from "../../processes/learner/learned-pools.ts";
import { Learner } from "../../processes/learner/learner.ts";
import type { ConfigurationInForce } from "../configuration.ts";
import { Recording } from "../recording.ts";
import { Tracing } from "../tracing.ts";
import { named } from "./derived.ts";
import { learnerStart } from "./learner-start.ts";
import type { InstanceOptions } from "./options.ts";

/** What they are made from. */
export interface SoleProcessesParts {
  readonly options: Pick<
    InstanceOptions,
    "clock" | "bootOffsetMs" | "learnerCommand" | "recorderCommand" | "tracerCommand" | "program"
  >;
  readonly memory: SharedMemory;
  readonly memoryPath: string;
  readonly log: Logger;
  readonly journal: Journal;
  readonly configuration: ConfigurationInForce;
  readonly instanceId: string;
  /** Asked when one of them starts. */
  readonly fleets: () => Fleets;
}

/** Makes them. */
export function makeSoleProcesses(parts: SoleProcessesParts): {
  readonly learner: Learner;
  readonly recording: Recording;
  readonly tracing: Tracing;
} {
  const { options, memory, memoryPath, log, journal, configuration, instanceId, fleets } = parts;
  const { clock, bootOffsetMs, program } = options;
  const shared = { memory, log, clock: (): number => clock.nowMs() };
  const reading = { ...shared, memoryPath, configuration, fleets };
  return {
    learner: new Learner({
      ...shared,
      command: options.learnerCommand,
      events: journal,
      bootOffsetMs,
      pools: () => learnedPools(configuration.settings),
      startMessage: () => {
        const servers = named(fleets().endpoints());
        return { ...learnerStart(configuration, instanceId), memoryPath, program, servers };
      },
    }),
    recording: new Recording({ ...reading, command: options.recorderCommand, journal }),
    tracing: new Tracing({
      ...reading,
      command: options.tracerCommand,
      events: journal,
      wallMs: () => clock.wallMs(),
    }),
  };
}
