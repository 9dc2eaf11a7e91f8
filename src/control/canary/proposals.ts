/** What becomes of the overrides when a canary begins, goes on or ends: the same whoever does it. Pure. */
import { percent as inPercent } from "../../evidence/describe.ts";
import { type CanaryTerms, lastStep, sharesAt } from "../../shared/operations/canary.ts";
import { overrideId } from "../../shared/operations/override-id.ts";
import type { Shares } from "../../shared/operations/shares.ts";
import type { Proposal } from "../operations/change.ts";
import type { CanaryAct } from "./canary.ts";

/** The id of the override of a route's canary. */
export function canaryId(route: string): string {
  return overrideId({ kind: "canary", target: { route } });
}

/** `terms` are in force. @param present the shares that the route has. @param action as in the audit. */
export function proposeTerms(route: string, terms: CanaryTerms, present: Shares, action: string): Proposal {
  const { pool, percent } = terms;
  return {
    ...named(route, terms, action, `pool ${pool} gets ${shown(percent)}`),
    set: [{ kind: "canary", target: { route }, value: terms }],
    before: present,
    after: sharesAt(terms, percent),
  };
}

/** The pool under trial keeps the share that it was to have in the end; it is an override of the split from then on. */
export function proposePromotion(route: string, terms: CanaryTerms, present: Shares): Proposal {
  const percent = lastStep(terms);
  const after = sharesAt(terms, percent);
  return {
    ...named(route, terms, "canary.promote", `pool ${terms.pool} is promoted, and gets ${shown(percent)}`),
    set: [{ kind: "split", target: { route }, value: after }],
    remove: [canaryId(route)],
    before: present,
    after,
  };
}

/** Everything goes where it went before. */
export function proposeRollback(route: string, terms: CanaryTerms, present: Shares): Proposal {
  return {
    ...named(route, terms, "canary.rollback", `pool ${terms.pool} is rolled back, and gets nothing`),
    remove: [canaryId(route)],
    before: present,
    after: sharesAt(terms, 0),
  };
}

/** Of what a canary wants. */
export function proposeAct(route: string, terms: CanaryTerms, present: Shares, { kind, percent }: CanaryAct): Proposal {
  if (kind === "roll_back") return proposeRollback(route, terms, present);
  if (kind === "promote") return proposePromotion(route, terms, present);
  return proposeTerms(route, { ...terms, percent }, present, "canary.advance");
}

function named(
  route: string,
  { pool }: CanaryTerms,
  action: string,
  what: string,
): Pick<Proposal, "action" | "target" | "about" | "words"> {
  return {
    action,
    target: `the canary of route ${route}`,
    about: { pool },
    words: `canary of route ${route}: ${what}`,
  };
}

function shown(percent: number): string {
  return `${inPercent(percent / 100, Number.isInteger(percent) ? 0 : 2)} of the requests`;
}
