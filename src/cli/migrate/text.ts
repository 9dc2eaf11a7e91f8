/** What `neurabalancer migrate` says. */
import { SCHEMA_VERSION, type SchemaState, type SchemaStep } from "../../storage/schema-keeper.ts";
import { columns } from "../columns.ts";
import type { Loss } from "./plan.ts";

/** A store with the versions that it has still to go to. */
export type KnownState = SchemaState & { readonly pending: readonly number[] };

/** Where each store is. */
export function statusText(states: readonly KnownState[], steps: readonly SchemaStep[]): string {
  const rows = states.map((state) => [state.name, state.parts.join(", "), versionText(state), pendingText(state)]);
  const pending = steps.filter(({ version }) => states.some((state) => state.pending.includes(version)));
  return [
    `This release has schema ${SCHEMA_VERSION}.`,
    "",
    columns([["store", "keeps", "schema", "pending"], ...rows]),
    ...pending.map(({ version, title }) => `\n${version}: ${title}`),
    ...states.flatMap(({ problem }) => (problem === null ? [] : [`\n${problem}`])),
  ].join("\n");
}

function versionText({ version, minCompatible, problem }: SchemaState): string {
  if (problem !== null) return "unknown";
  if (version === 0) return "none yet";
  return version > SCHEMA_VERSION
    ? `${version} (releases from schema ${minCompatible} on can use it)`
    : String(version);
}

function pendingText({ problem, version, pending }: KnownState): string {
  if (problem !== null) return "unknown";
  if (version === 0) return "an instance makes it";
  return pending.length === 0 ? "nothing" : pending.join(", ");
}

/** What goes when all stores go back to `version`. */
export function lossText(losses: readonly Loss[], version: number): string {
  return [`Going back to schema ${version} loses:`, ...losses.map(({ name, what }) => `  ${name}: ${what}`)].join("\n");
}

/** What has been done, in a sentence. */
export function doneText(states: readonly SchemaState[], version: number, done: number): string {
  if (states.every((state) => state.version === 0)) {
    return done > 0 ? "Done: nothing is left." : "There is no store yet: an instance makes it when it starts.";
  }
  return done === 0 ? `Nothing to do: all is at schema ${version}.` : `Done: all is at schema ${version}.`;
}
