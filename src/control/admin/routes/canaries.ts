/** `/api/v1/routes/<name>/canary…`: another pool gets a growing share of a route's requests for as long as it does no worse. */
import type { RouteSpec } from "../../../protocol/route.ts";
import type { CanaryTerms } from "../../../shared/operations/canary.ts";
import type { Canaries } from "../../canary/canaries.ts";
import { operatorName } from "../../operations/change.ts";
import type { Operations } from "../../operations/operations.ts";
import { canaryList, canaryView } from "../answers/canaries.ts";
import type { Call } from "../call.ts";
import {
  type CanaryGround,
  canaryChangeSchema,
  canaryTag,
  newCanarySchema,
  noCanary,
  planCanary,
  planCanaryChange,
  planCanaryEnd,
} from "../changes/canary-change.ts";
import { entityTag, requireMatch } from "../changes/etag.ts";
import { makeChange, notesOf, type Plan, tried } from "../changes/make-change.ts";
import { bodilessChangeQuery, type ChangeTerms, changeBody, changeQuery, changeResponse } from "../changes/terms.ts";
import { routeNamed } from "../named-route.ts";
import { json } from "../responses.ts";
import { operation, type RouteGroup } from "./route.ts";

/** What these routes show and change. */
export interface CanariesControl {
  readonly canaries: Pick<Canaries, "list" | "of" | "forget" | "operate" | "assignmentOf">;
  pools(): readonly { readonly name: string; readonly up: number }[];
  routes(): readonly RouteSpec[];
  readonly operations: Pick<Operations, "change" | "inForceOf" | "sharing">;
  /** Milliseconds since the epoch. */
  wallMs(): number;
}

const NAME = "[^/]{1,512}";

const changed = changeResponse(canaryView);
const bare = changeBody({});

/** They are the operator's. */
export const canaryRoutes: RouteGroup<CanariesControl> = (control) => {
  /** How it ends, if it does, and the plan of it. */
  interface Asked {
    readonly route: string;
    readonly terms: ChangeTerms;
    readonly end?: "promoted" | "rolled_back";
    readonly plan: (ground: CanaryGround) => Plan;
    readonly status?: number;
  }

  async function change(call: Call, { route, terms, end, plan, status = 200 }: Asked): Promise<Response> {
    const make = () => makeChange(control.operations, { ...call, terms }, () => plan(groundOf(control, route)));
    if (terms.dry_run) return tried(await make());
    const by = operatorName(call.caller);
    const why = `${end === "promoted" ? "promoted" : "rolled back"} by ${by}${terms.reason === "" ? "" : `: ${terms.reason}`}`;
    const made = await control.canaries.operate(route, end === undefined ? null : { state: end, why }, make);
    return show(control, route, notesOf(made), status);
  }

  return [
    {
      path: "/api/v1/canaries",
      audience: "operator",
      methods: {
        GET: operation({
          scope: "read",
          response: canaryList,
          doc: "the canaries of all routes, and those that have ended since the start ([canary.md](canary.md))",
          handle: () => json({ canaries: control.canaries.list() }),
        }),
      },
    },
    {
      path: "/api/v1/routes/<name>/canary",
      parts: [NAME],
      audience: "operator",
      methods: {
        GET: operation({
          scope: "read",
          response: canaryView,
          doc: "the canary of a route: its share, both arms in figures, the evidence, and a sentence; 404 where there is none",
          handle: ({ parts: [name] }) => show(control, name),
        }),
        POST: operation({
          scope: "admin",
          query: changeQuery,
          body: newCanarySchema,
          response: changed,
          doc: 'puts a pool to the test with a growing share of the requests: `{"pool": "shop-next", "steps": [5, 25, 50, 100]}`, with `percent`, `auto`, `min_duration`, `min_requests`, `max_duration` and `tolerance` as [canary.md](canary.md#what-may-be-said) has them; answered with 201',
          handle: (call) =>
            change(call, {
              route: call.parts[0],
              terms: { ...call.query, reason: call.body.reason },
              plan: (ground) => planCanary(ground, call.body, operatorName(call.caller), control.wallMs()),
              status: 201,
            }),
        }),
        PATCH: operation({
          scope: "admin",
          query: changeQuery,
          body: canaryChangeSchema,
          response: changed,
          doc: "changes what was said of it; another `percent` begins a step of that share",
          handle: (call) =>
            change(call, {
              route: call.parts[0],
              terms: { ...call.query, reason: call.body.reason },
              plan: (ground) => planCanaryChange(ground, call.body),
            }),
        }),
        DELETE: operation({
          scope: "admin",
          query: bodilessChangeQuery,
          response: changed,
          doc: "rolls it back and forgets it; one that has ended is only forgotten",
          handle: async (call) => {
            const [route] = call.parts;
            const ended = control.canaries.of(route);
            if (ended !== undefined && termsOf(control, route) === null) return forget(control, call, route);
            const response = await change(call, {
              route,
              terms: call.query,
              end: "rolled_back",
              plan: (ground) => planCanaryEnd(ground, "rollback"),
            });
            if (!call.query.dry_run) control.canaries.forget(route);
            return response;
          },
        }),
      },
    },
    ...(["promote", "rollback"] as const).map((how) => ({
      path: `/api/v1/routes/<name>/canary/${how}`,
      parts: [NAME],
      audience: "operator" as const,
      methods: {
        POST: operation({
          scope: "admin",
          query: changeQuery,
          body: bare,
          response: changed,
          doc:
            how === "promote"
              ? "ends it: the pool under trial gets the share of the last step, whatever was found"
              : "ends it: everything goes where it went before",
          handle: (call) =>
            change(call, {
              route: call.parts[0],
              terms: { ...call.query, reason: call.body.reason },
              end: how === "promote" ? "promoted" : "rolled_back",
              plan: (ground) => planCanaryEnd(ground, how),
            }),
        }),
      },
    })),
  ];
};

function forget(control: CanariesControl, call: Call<ChangeTerms>, route: string): Response {
  requireMatch(call.request, canaryTag(null));
  if (call.query.dry_run) {
    const target = `the canary of route ${route}`;
    const nothing = { before: null, after: null, present: canaryTag(null), changed: true, warnings: [] };
    return tried({ action: "canary.forget", target, ...nothing });
  }
  const response = show(control, route, notesOf({ changed: true, warnings: [] }));
  control.canaries.forget(route);
  return response;
}

function show(control: CanariesControl, name: string, more: object = {}, status = 200): Response {
  routeNamed(name, control.routes());
  const canary = control.canaries.of(name);
  if (canary === undefined) throw noCanary(name);
  return json({ ...canary, ...more }, status, { etag: entityTag(canaryTag(termsOf(control, name))) });
}

function groundOf(control: CanariesControl, name: string): CanaryGround {
  const route = routeNamed(name, control.routes());
  const assignmentOf = (pools: readonly string[]) => control.canaries.assignmentOf(name, pools);
  return { route, terms: termsOf(control, name), pools: control.pools(), assignmentOf };
}

function termsOf({ operations }: CanariesControl, name: string): CanaryTerms | null {
  return operations.inForceOf("canary").find(({ target }) => target.route === name)?.value ?? null;
}
