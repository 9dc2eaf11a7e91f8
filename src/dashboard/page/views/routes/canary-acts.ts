/** What may be done about canaries, as changes to be confirmed. */
import { propose } from "../../app/changing/plan.ts";
import { topology } from "../../app/live.ts";
import { beginAgain, canaryPath, type ShownCanary, stepsOf } from "../../model/canary.ts";

/** A trial of another pool with a part of the requests, judged by what becomes of them. @param present the pools that it has. */
export function startCanary(route: string, present: readonly string[]): void {
  const path = canaryPath(route);
  const others = topology.value!.pools.map(({ name }) => name).filter((name) => !present.includes(name));
  propose({
    title: `Canary on route ${route}`,
    lead: "A part of its requests goes to another pool. Failures and time of both are compared: worse goes back at once, no worse goes on to the next step.",
    subject: null,
    fields: [
      {
        name: "pool",
        label: "Pool under trial",
        kind: "select",
        value: others[0] ?? "",
        options: others.map((name) => [name, name] as const),
      },
      { name: "steps", label: "Steps, percent", kind: "text", value: "5, 25, 50, 100" },
      {
        name: "duration",
        label: "A step lasts at least",
        kind: "text",
        value: "2m",
        hint: "And until the pool has had 500 requests.",
      },
      {
        name: "auto",
        label: "When there is a verdict",
        kind: "select",
        value: "true",
        options: [
          ["true", "go on, or go back, by itself"],
          ["false", "only say it"],
        ],
      },
    ],
    request: ({ pool, steps = "", duration, auto }) => {
      if (pool === "") throw new Error("There is no other pool to try.");
      const body = { pool, steps: stepsOf(steps), auto: auto === "true", min_duration: duration?.trim() };
      return { method: "POST", path, body };
    },
    confirm: "Start canary",
    done: ({ pool }) => `${pool} is under trial on route ${route}.`,
    undo: () => ({ method: "DELETE", path, body: null }),
  });
}

/** Ends it, one way or the other. */
export function endCanary(canary: ShownCanary, how: "promote" | "rollback"): void {
  const { route, pool, steps } = canary;
  const path = canaryPath(route);
  const isGood = how === "promote";
  propose({
    title: isGood ? `Promote the canary on ${route}` : `Roll the canary on ${route} back`,
    lead: isGood
      ? `Pool ${pool} gets ${Math.max(...steps, canary.percent)} % of the requests of the route, whatever was found.`
      : "All requests of the route go where they went before.",
    subject: path,
    request: () => ({ method: "POST", path: `${path}/${how}`, body: {} }),
    confirm: isGood ? "Promote" : "Roll back",
    danger: !isGood,
    done: () => (isGood ? "The canary is promoted." : "The canary is rolled back."),
    undo: () => beginAgain(canary),
  });
}

/** One that waits for a word goes on to its next step. */
export function advanceCanary(canary: ShownCanary): void {
  const { route, pool, percent, next_step: next } = canary;
  const path = canaryPath(route);
  propose({
    title: `Next step of the canary on ${route}`,
    lead: `Pool ${pool} gets ${next} % of the requests of the route in place of ${percent} %, and is compared anew.`,
    subject: path,
    request: () => ({ method: "PATCH", path, body: { percent: next } }),
    confirm: "Go on",
    done: () => `Pool ${pool} has ${next} % of the requests of route ${route}.`,
  });
}

/** What has ended is no longer shown. */
export function forgetCanary({ route }: ShownCanary): void {
  const path = canaryPath(route);
  propose({
    title: `Forget the canary on ${route}`,
    lead: "It has ended; it is no longer shown. What it did stays in the audit.",
    subject: path,
    request: () => ({ method: "DELETE", path, body: null }),
    confirm: "Forget",
    done: () => "The canary is forgotten.",
    undo: () => null,
    final: "What was forgotten is not shown again.",
  });
}
