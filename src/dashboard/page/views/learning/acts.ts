/** Orders to the learner, as changes to be confirmed. */
import { propose } from "../../app/changing/plan.ts";

/** What may be ordered of the learner as a whole. */
export type PlainOrder = "pause" | "resume" | "train";

interface OrderWords {
  readonly title: string;
  readonly lead: string;
  readonly confirm: string;
  /** The order that takes it back. */
  readonly back?: PlainOrder;
  /** Why none does. */
  readonly final?: string;
}

const WORDS: Readonly<Record<PlainOrder, OrderWords>> = {
  pause: {
    title: "Pause learning",
    lead: "No model is trained, tried or promoted until it is resumed. The one that serves goes on serving.",
    confirm: "Pause",
    back: "resume",
  },
  resume: {
    title: "Resume learning",
    lead: "Models are trained, tried and promoted again.",
    confirm: "Resume",
    back: "pause",
  },
  train: {
    title: "Train a model now",
    lead: "A trainer of its own reads the samples of late and proposes a model. It serves nobody before it has been tried.",
    confirm: "Train",
    final: "what it proposes can be rejected before it serves.",
  },
};

/** The model before takes the place of the one that serves. @param champion the one that serves; `null` = not one of the store. */
export function rollBack(pool: string, champion: number | null): void {
  propose({
    title: "Roll the model back",
    lead: "The model before the one that serves takes its place, at once.",
    subject: null,
    noTrial: true,
    request: () => ({ method: "POST", path: pathOf("rollback", pool), body: {} }),
    confirm: "Roll back",
    done: () => `The model before serves pool ${pool} again.`,
    ...(champion === null ? { final: "the model that serves now has no version to be promoted by." } : {}),
    undo: () =>
      champion === null ? null : { method: "POST", path: pathOf("promote", pool), body: { version: champion } },
  });
}

/** One without a version. */
export function orderLearner(order: PlainOrder, pool: string): void {
  const { title, lead, confirm, back, final } = WORDS[order];
  propose({
    title,
    lead,
    subject: null,
    noTrial: true,
    request: () => ({ method: "POST", path: pathOf(order, pool), body: {} }),
    confirm,
    done: () => `${title}: done for pool ${pool}.`,
    final,
    undo: () => (back === undefined ? null : { method: "POST", path: pathOf(back, pool), body: {} }),
  });
}

/** A model to serve, or never to. */
export function orderModel(order: "promote" | "reject", version: number, pool: string): void {
  propose({
    title: order === "promote" ? `Promote model ${version}` : `Reject model ${version}`,
    lead:
      order === "promote"
        ? "It balances all of the pool's traffic from now on, whatever its trial says. The guardrail goes on watching it."
        : "It is tried no longer and will not serve.",
    subject: null,
    noTrial: true,
    request: () => ({ method: "POST", path: pathOf(order, pool), body: { version } }),
    confirm: order === "promote" ? "Promote" : "Reject",
    done: () => `Model ${version} is ${order === "promote" ? "promoted" : "rejected"}.`,
    ...(order === "reject" ? { final: "it can be promoted later, but not tried again." } : {}),
    undo: () => (order === "promote" ? { method: "POST", path: pathOf("rollback", pool), body: {} } : null),
  });
}

function pathOf(order: string, pool: string): string {
  return `/api/v1/ml/${order}?pool=${encodeURIComponent(pool)}`;
}
