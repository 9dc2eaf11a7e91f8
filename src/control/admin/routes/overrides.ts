/** `/api/v1/overrides…` and `/api/v1/audit`: what was changed at run time, by whom, and what is in force of it. */
import { z } from "zod";
import type { AuditEntry } from "../../../shared/operations/audit.ts";
import type { Override } from "../../../shared/operations/override.ts";
import { termsReport } from "../../canary/report.ts";
import { type EnvContext, envLines } from "../../operations/env-lines.ts";
import type { Operations, Sharing, ShownOverride } from "../../operations/operations.ts";
import type { Call } from "../call.ts";
import { entityTag } from "../changes/etag.ts";
import { makeChange, notesOf, type Plan, tried } from "../changes/make-change.ts";
import { overrideCalled, overrideTag, planEnd, planEndOfAll } from "../changes/override-end.ts";
import { bodilessChangeQuery, type ChangeTerms, changeResponse } from "../changes/terms.ts";
import { ApiError, json } from "../responses.ts";
import { sinceMs, sinceText } from "../since.ts";
import { operation, type RouteGroup } from "./route.ts";

/** What these routes show and change. */
export interface OverridesControl {
  readonly operations: Pick<Operations, "list" | "change" | "audit" | "where" | "trouble" | "sharing">;
  /** What decides what `.env` can say. */
  envContext(): EnvContext;
  /** Milliseconds since the epoch. */
  wallMs(): number;
}

const MOST_ENTRIES = 1000;

const overrideView = z
  .strictObject({
    id: z.string(),
    kind: z.string(),
    target: z.record(z.string(), z.string().nullable()),
    value: z.unknown(),
    configured: z.unknown().describe("what it replaced"),
    by: z.string(),
    client: z.string(),
    reason: z.string(),
    at: z.iso.datetime(),
    until: z.iso.datetime().nullable(),
    kept: z.boolean().describe("false = for this run alone"),
    scope: z
      .enum(["cluster", "instance"])
      .describe("cluster = of all instances that share changes; instance = of this one alone"),
    in_force: z.boolean(),
    why_not: z.string().nullable(),
  })
  .meta({ id: "Override" });

const removals = z.strictObject({
  removed: z.array(overrideView).describe("empty = there was none, and nothing is changed"),
});

const auditView = z
  .strictObject({
    at: z.iso.datetime(),
    actor: z.string(),
    client: z.string(),
    action: z.string(),
    target: z.string(),
    before: z.unknown(),
    after: z.unknown(),
    reason: z.string(),
    kept: z.boolean(),
    instance: z.string().nullable().describe("at which instance, where that was another"),
  })
  .meta({ id: "AuditEntry" });

const auditQuery = z.strictObject({
  limit: z
    .string()
    .regex(/^\d{1,4}$/, `must be an integer 1 … ${MOST_ENTRIES}`)
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= MOST_ENTRIES, { error: `must be an integer 1 … ${MOST_ENTRIES}` })
    .default(100),
  since: sinceText,
});

/** They are the operator's. */
export const overrideRoutes: RouteGroup<OverridesControl> = (control) => {
  const { operations } = control;
  const end = async (call: Call<ChangeTerms>, plan: (all: readonly ShownOverride[]) => Plan): Promise<Response> => {
    const made = await makeChange(operations, { ...call, terms: call.query }, () => plan(operations.list()));
    return call.query.dry_run ? tried(made) : json({ removed: made.removed.map(endedView), ...notesOf(made) });
  };
  const viewOf = (shown: ShownOverride): object => overrideAnswer(shown, operations.sharing);
  const endedView = (override: Override): object => viewOf({ ...override, inForce: false, whyNot: "it ended" });
  return [
    {
      path: "/api/v1/overrides",
      audience: "operator",
      methods: {
        GET: operation({
          scope: "read",
          otherMedia: "text/plain",
          query: z.strictObject({ format: z.enum(["json", "env"], { error: "must be json or env" }).default("json") }),
          response: z.strictObject({
            overrides: z.array(overrideView),
            kept_in: z.string(),
            shared: z.boolean().describe("with other instances"),
            problem: z.string().nullable(),
          }),
          doc: "what was changed at run time and is not as configured: what, instead of what, by whom, when and why, and whether it is in force; `?format=env` = as lines of a `.env` file",
          handle: ({ query }) => {
            const all = operations.list();
            const etag = entityTag(all.map(overrideTag));
            if (query.format === "env") {
              const headers = { etag, "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" };
              return new Response(envLines(all, control.envContext()), { headers });
            }
            const { where, trouble, sharing } = operations;
            return json(
              { overrides: all.map(viewOf), kept_in: where, shared: sharing !== "none", problem: trouble },
              200,
              { etag },
            );
          },
        }),
        DELETE: operation({
          scope: "admin",
          query: bodilessChangeQuery,
          response: changeResponse(removals),
          doc: "ends all overrides: everything is as configured",
          handle: (call) => end(call, planEndOfAll),
        }),
      },
    },
    {
      path: "/api/v1/overrides/<id>",
      parts: ["[0-9a-f]{1,64}"],
      audience: "operator",
      methods: {
        GET: operation({
          scope: "read",
          response: overrideView,
          doc: "one override",
          handle: ({ parts: [id] }) => {
            const override = overrideCalled(id, operations.list());
            return json(viewOf(override), 200, { etag: entityTag(overrideTag(override)) });
          },
        }),
        DELETE: operation({
          scope: "admin",
          query: bodilessChangeQuery,
          response: changeResponse(removals),
          doc: "ends one override: what it replaced is in force again",
          handle: (call) => end(call, (all) => planEnd(call.parts[0], all)),
        }),
      },
    },
    {
      path: "/api/v1/audit",
      audience: "operator",
      methods: {
        GET: operation({
          scope: "read",
          query: auditQuery,
          response: z.strictObject({ entries: z.array(auditView) }),
          doc: "who changed what at run time, and why, newest first: `limit` (1 … 1000, default 100), `since` (`15m`, `2h`, `3d`, a time)",
          handle: async ({ query: { limit, since } }) => {
            const asked = { limit, sinceMs: sinceMs(since, control.wallMs()) };
            try {
              const entries = await operations.audit(asked);
              return json({ entries: entries.map(entryView) });
            } catch (error) {
              throw new ApiError(503, "audit_unavailable", (error as Error).message);
            }
          },
        }),
      },
    },
  ];
};

function overrideAnswer(shown: ShownOverride, sharing: Sharing): object {
  const { atMs, untilMs, inForce, whyNot, scope, ...override } = shown;
  const value = shown.kind === "canary" ? termsReport(shown.value) : shown.value;
  const until = untilMs === null ? null : new Date(untilMs).toISOString();
  const isOfAll = shown.kept && scope === undefined && sharing !== "none";
  const at = new Date(atMs).toISOString();
  return { ...override, value, at, until, scope: isOfAll ? "cluster" : "instance", in_force: inForce, why_not: whyNot };
}

function entryView({ atMs, instance, ...entry }: AuditEntry): object {
  return { at: new Date(atMs).toISOString(), ...entry, instance: instance ?? null };
}
