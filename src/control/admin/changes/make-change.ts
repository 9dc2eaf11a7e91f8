/** How a change is made: for all routes that change something, in one place. */
import type { Override } from "../../../shared/operations/override.ts";
import type { Proposal } from "../../operations/change.ts";
import { NotKeptError, RefusedChangeError } from "../../operations/errors.ts";
import type { Operations, Sharing } from "../../operations/operations.ts";
import type { Caller } from "../call.ts";
import { ApiError, json } from "../responses.ts";
import { entityTag, requireMatch } from "./etag.ts";
import type { ChangeTerms } from "./terms.ts";

/** What is to be otherwise, and what has to be known of it. */
export interface Plan extends Proposal {
  /** What may be changed of the resource, as it is: what its tag is of. */
  readonly present: unknown;
  /** What it brings with it that may not be meant; it is made all the same. */
  readonly warnings: readonly string[];
}

/** What became of it. */
export interface MadeChange {
  /** False = it was so already. */
  readonly changed: boolean;
  /** Overrides that have ended with it. */
  readonly removed: readonly Override[];
}

/** Who changes something, and how it is asked for. */
export interface AskedChange {
  readonly request: Request;
  readonly caller: Caller;
  readonly terms: ChangeTerms;
}

/**
 * Makes a change in its turn: there `plan` looks at what there is, and `If-Match` is compared with it, so that of two that were
 * made of the same view one wins. Resolves when it lasts and is in force, or at once when it is only tried.
 * Throws what `plan` throws, and an `ApiError` for each reason why it was not made.
 */
export async function makeChange<P extends Plan>(
  operations: Pick<Operations, "change" | "sharing">,
  { request, caller, terms }: AskedChange,
  plan: () => P,
): Promise<P & MadeChange> {
  const { reason, keep, dry_run: dryRun } = terms;
  const scope = scopeOf(terms, operations.sharing);
  let planned: P | undefined;
  try {
    const { changed, removed } = await operations.change(caller, { reason, keep, dryRun, scope }, () => {
      planned = plan();
      requireMatch(request, planned.present);
      return planned;
    });
    return { ...planned!, changed, removed };
  } catch (error) {
    throw refusalOf(error);
  }
}

/** What the answer to a change says beside the resource. */
export function notesOf({ changed, warnings }: Pick<Plan, "warnings"> & Pick<MadeChange, "changed">): object {
  return { changed, warnings };
}

/** The answer to a change that was only tried. */
export function tried(plan: Plan & Pick<MadeChange, "changed">): Response {
  const { action, target, before, after, changed, warnings, present } = plan;
  const body = { dry_run: true, action, target, before, after, changed, warnings };
  return json(body, 200, { etag: entityTag(present) });
}

/** For whom it is made; throws an `ApiError` where that cannot be. */
function scopeOf({ scope, keep }: ChangeTerms, sharing: Sharing): "instance" | undefined {
  if (scope === "cluster" && !keep) {
    throw new ApiError(
      400,
      "invalid_query",
      "scope=cluster and keep=false: what is not kept is of this instance alone",
    );
  }
  if (scope === "cluster" && sharing === "none") {
    throw new ApiError(
      409,
      "not_shared",
      "there is but this instance: REDIS_ADDR, with changes in CLUSTER_SHARE, makes a cluster",
    );
  }
  if (scope !== "instance" || !keep) return undefined;
  if (sharing === "database") {
    throw new ApiError(
      409,
      "not_apart",
      "what is kept in the database is of all instances; with keep=false it is of this one",
    );
  }
  return "instance";
}

/** What a change that was not made is answered with. */
function refusalOf(error: unknown): unknown {
  if (error instanceof RefusedChangeError) {
    const problems = error.problems.map((message) => ({ at: "", message }));
    return new ApiError(422, "refused", `it cannot be: ${error.problems.join("; ")}`, {}, problems);
  }
  if (error instanceof NotKeptError) return new ApiError(503, "not_kept", error.message);
  return error;
}
