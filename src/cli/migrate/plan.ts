/** What a change of versions means. */
import type { SchemaKeeper, SchemaState, SchemaStep } from "../../storage/schema-keeper.ts";

/** Something that is lost on the way back. */
export interface Loss {
  /** Of which store. */
  readonly name: string;
  readonly what: string;
}

/** Versions that a store has still to go to; none where there is nothing yet, because its owner makes it as it must be. */
export function pendingOf({ version }: Pick<SchemaState, "version">, steps: readonly SchemaStep[]): number[] {
  return version === 0 ? [] : steps.map((step) => step.version).filter((next) => next > version);
}

/** What is lost when all stores go to `version`. */
export function lossesOf(
  states: readonly SchemaState[],
  { steps, firstVersion }: Pick<SchemaKeeper, "steps" | "firstVersion">,
  version: number,
): Loss[] {
  if (version < firstVersion) {
    const what = `everything, also all that was learned: a store of this kind begins with schema ${firstVersion}`;
    return states.filter((state) => state.version > 0).map(({ name }) => ({ name, what }));
  }
  return states.flatMap((state) =>
    steps
      .filter((step) => step.version > version && step.version <= state.version && step.lost !== null)
      .filter(({ parts }) => parts.some((part) => state.parts.includes(part)))
      .map((step) => ({ name: state.name, what: step.lost! })),
  );
}
