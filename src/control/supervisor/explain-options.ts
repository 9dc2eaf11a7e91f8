/** What explanations are made from in this instance. */
import { readClasses } from "../../shared/memory/class-table.ts";
import { LearningResponses } from "../admin/learner-responses.ts";
import type { ExplainPartOptions } from "../explain/part.ts";
import type { ControlLog } from "../log.ts";
import { recordedNames } from "./recorded-names.ts";
import type { SupervisorView } from "./status.ts";

/** Of what the supervisor knows. */
export function explainOptionsOf(view: SupervisorView, log: ControlLog): ExplainPartOptions {
  const { memory, pages, bootOffsetMs, clock, configuration, fleets } = view;
  const learning = new LearningResponses({ ...view, fleet: fleets });
  return {
    memory,
    pages,
    bootOffsetMs,
    clock,
    log,
    config: () => configuration.config,
    names: () => recordedNames(configuration.settings, fleets),
    classes: (name) => {
      const pool = view.learner.classed.find((classed) => classed.name === name);
      return pool === undefined ? [] : readClasses(memory.classes.pools[pool.row]);
    },
    learned: (requestId, pool) => learning.explain(requestId, pool),
  };
}
