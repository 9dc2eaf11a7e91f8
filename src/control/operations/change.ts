/** What a change of the overrides is: asked for by somebody, proposed when its turn has come, and what became of it. */
import { type AuditEntry, LOCAL_ACTOR } from "../../shared/operations/audit.ts";
import type { Override, OverrideKinds, WantedState } from "../../shared/operations/override.ts";
import type { NotedEvent } from "../events/events.ts";

/** Who changes something. */
export interface Operator {
  /** Name of the token; empty = none was asked for. */
  readonly name: string;
  /** Subject of the certificate that was shown, where the port asks for one. */
  readonly certificate?: string;
  /** Its address; may be empty. */
  readonly client: string;
}

/** How an operator is called in overrides and in the audit: by token, by certificate, or by both; `local` = by neither. */
export function operatorName({ name, certificate = "" }: Operator): string {
  return [name, certificate].filter((part) => part !== "").join(", ") || LOCAL_ACTOR;
}

/** How a change is asked for. */
export interface ChangeOptions {
  /** Why; empty = not said. */
  readonly reason: string;
  /** False = for this run of this instance only. */
  readonly keep: boolean;
  /** Only what would happen. */
  readonly dryRun?: boolean;
  /** For this instance alone, also where others share changes; left out = for all that do. */
  readonly scope?: "instance";
}

/** What is to be in force. What says just what is configured (a state that is `active`) is no override: it ends the one there was. */
export type NewOverride =
  | Wanted<"weight">
  | Wanted<"capacity">
  | Wanted<"setting">
  | Wanted<"split">
  | Wanted<"rate_limit">
  | Wanted<"canary">
  | Wanted<"server_added">
  | Wanted<"server_removed">
  | (Omit<Wanted<"state">, "value"> & { readonly value: WantedState });

type Wanted<K extends keyof OverrideKinds> = { readonly kind: K } & Pick<OverrideKinds[K], "target" | "value"> & {
    /** When it ends by itself, milliseconds since the epoch. */
    readonly untilMs?: number;
  };

/** How the event of a change is found, and what it says. */
export interface Telling {
  /** Whose it is on the time line: what is left out is the whole instance. */
  readonly about?: Pick<NotedEvent, "pool" | "server" | "address">;
  /** What was done, in words; left out = made of target, before and after. */
  readonly words?: string;
}

/** What somebody wants to be otherwise. */
export interface Proposal extends Telling {
  /** As in the audit. */
  readonly action: string;
  readonly target: string;
  readonly set?: readonly NewOverride[];
  /** Ids of overrides that end. */
  readonly remove?: readonly string[];
  /** What was, and what will be, for people and for the audit. */
  readonly before: unknown;
  readonly after: unknown;
}

/**
 * Looks at what there is when the turn of the change has come, and says what is to be otherwise. What it throws refuses the
 * change. Asked again when another instance was faster.
 */
export type Propose = () => Proposal;

/** What became of a change. */
export interface Changed {
  /** False = all that was wanted was so already: nothing was kept, told or put into the audit. */
  readonly changed: boolean;
  readonly entry: AuditEntry;
  /** Those that were made, as they are in force. */
  readonly made: readonly Override[];
  readonly removed: readonly Override[];
}
