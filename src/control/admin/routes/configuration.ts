/** `/api/v1/config/…`: what another configuration would change, and reading it again. */
import { z } from "zod";
import type { TrialTexts } from "../../../config/environment.ts";
import type { Operations } from "../../operations/operations.ts";
import { actorOf } from "../call.ts";
import { reasonSchema } from "../changes/terms.ts";
import { ApiError, json } from "../responses.ts";
import { operation, type RouteGroup } from "./route.ts";

/** What reading a configuration comes to: each sentence for people, with the place where it stands. */
export type ReadOutcome =
  | {
      readonly ok: true;
      readonly changes: readonly string[];
      readonly warnings: readonly string[];
      /** Overrides that end with it. */
      readonly ended: readonly string[];
    }
  | { readonly ok: false; readonly problems: readonly string[]; readonly warnings: readonly string[] };

/** What these routes ask for. */
export interface ConfigurationControl {
  readonly configuration: {
    /** Reads everything again and takes it over, when all changes before are done. @param actor as of events. */
    reload(actor: string): Promise<ReadOutcome>;
    /** As `reload`, without taking anything over. */
    validate(texts: TrialTexts): Promise<ReadOutcome>;
  };
  readonly operations: Pick<Operations, "note">;
}

const outcome = z.strictObject({
  ok: z.boolean(),
  problems: z.array(z.string()),
  warnings: z.array(z.string()),
  changes: z.array(z.string()).describe("each setting, pool, route and server that is another then"),
  overrides_lost: z.array(z.string()).describe("each override that ends, because what it replaced is another then"),
});

/** They are the operator's. */
export const configurationRoutes: RouteGroup<ConfigurationControl> = (control) => [
  {
    path: "/api/v1/config/validate",
    audience: "operator",
    methods: {
      POST: operation({
        scope: "admin",
        body: z
          .strictObject({
            env: z.string().optional().describe("as if this were the .env file"),
            yaml: z.string().optional().describe("as if this were the configuration file"),
          })
          .meta({ examples: [{ env: "SERVERS=http://10.0.0.5:3000\n" }] }),
        response: outcome,
        doc: "what is wrong with the configuration as its files are now, or with `{env, yaml}` in their place, and what a reload of it would change, overrides that would end included; nothing is changed",
        handle: async ({ body }) => json(shown(await control.configuration.validate(body))),
      }),
    },
  },
  {
    path: "/api/v1/config/reload",
    audience: "operator",
    methods: {
      POST: operation({
        scope: "admin",
        body: z.strictObject({ reason: reasonSchema }),
        response: outcome,
        doc: "reads the configuration again, as SIGHUP does; answered when it is in force, with what changed, or with 422 and everything that is wrong",
        handle: async ({ body: { reason }, caller }) => {
          const read = await control.configuration.reload(actorOf(caller));
          const after = read.ok ? { changes: read.changes } : { problems: read.problems };
          const count = read.ok ? read.changes.length : read.problems.length;
          const noun = read.ok ? "change" : "problem";
          const what = `${read.ok ? "" : "rejected, "}${count} ${noun}${count === 1 ? "" : "s"}`;
          control.operations.note(caller, {
            action: "config.reload",
            target: "the configuration",
            words: `the configuration was read again: ${what}`,
            before: null,
            after,
            reason,
          });
          if (read.ok) return json(shown(read));
          throw new ApiError(
            422,
            "configuration_rejected",
            `the new configuration is rejected, and the old one stays in force: ${read.problems.join("; ")}`,
            {},
            read.problems.map((message) => ({ at: "", message })),
          );
        },
      }),
    },
  },
];

function shown(read: ReadOutcome): z.infer<typeof outcome> {
  const warnings = [...read.warnings];
  if (!read.ok) return { ok: false, problems: [...read.problems], warnings, changes: [], overrides_lost: [] };
  return { ok: true, problems: [], warnings, changes: [...read.changes], overrides_lost: [...read.ended] };
}
