/** `/api/v1/settings`: the settings of the whole instance. */
import { z } from "zod";
import type { EffectiveSetting } from "../../../config/effective.ts";
import type { Operations } from "../../operations/operations.ts";
import { entityTag } from "../changes/etag.ts";
import { makeChange, notesOf, tried } from "../changes/make-change.ts";
import { planSettings, presentSettings, settingInput } from "../changes/settings/change.ts";
import { settingsOf } from "../changes/settings/names.ts";
import { type SettingSources, settingView, viewSetting } from "../changes/settings/view.ts";
import { changeQuery, changeResponse, reasonSchema } from "../changes/terms.ts";
import { json } from "../responses.ts";
import { operation, type RouteGroup } from "./route.ts";

/** What these routes show and change. */
export interface SettingsControl {
  /** Of the configuration in force. */
  effective(): readonly EffectiveSetting[];
  readonly operations: Pick<Operations, "change" | "inForceOf" | "sharing">;
}

const MOST_SETTINGS = 200;
const settingList = z.strictObject({ settings: z.array(settingView) });

const settingsChange = z
  .object({ reason: reasonSchema })
  .catchall(settingInput)
  .refine((body) => Object.keys(body).length <= MOST_SETTINGS, { error: `has more than ${MOST_SETTINGS} names` })
  .meta({ examples: [{ LOG_LEVEL: "debug", ACCESS_LOG_SAMPLE: 0.1, reason: "a look" }, { LOG_LEVEL: null }] });

/** They are the operator's. */
export const settingRoutes: RouteGroup<SettingsControl> = (control) => [
  {
    path: "/api/v1/settings",
    audience: "operator",
    methods: {
      GET: operation({
        scope: "read",
        response: settingList,
        doc: "every setting of the instance: what is in force, what is configured, where it comes from, unit, range and description, whether it can be changed at run time, and why not; secrets hidden",
        handle: () => show(control),
      }),
      PATCH: operation({
        scope: "admin",
        query: changeQuery,
        body: settingsChange,
        response: changeResponse(settingList),
        doc: 'changes settings of the instance: `{"LOG_LEVEL": "debug", "ACCESS_LOG_SAMPLE": 0.1}`, by the name that the environment or the file gives them; `null` = as configured. What needs a restart is refused',
        handle: async (call) => {
          const { reason, ...wanted } = call.body;
          const { query } = call;
          const values = Object.entries(wanted).map(([name, value]) => ({ at: name, name, value }));
          const planned = await makeChange(control.operations, { ...call, terms: { ...query, reason } }, () => {
            const plan = planSettings({ pool: null, values }, sourcesOf(control));
            return { action: "settings.change", target: "the settings", ...plan, warnings: [] };
          });
          return query.dry_run ? tried(planned) : show(control, notesOf(planned));
        },
      }),
    },
  },
];

function sourcesOf(control: SettingsControl): SettingSources {
  return { effective: control.effective(), overrides: control.operations.inForceOf("setting") };
}

function show(control: SettingsControl, more: object = {}): Response {
  const sources = sourcesOf(control);
  const settings = settingsOf("instance").map((placed) => viewSetting(placed, null, sources));
  return json({ settings, ...more }, 200, { etag: entityTag(presentSettings(null, sources)) });
}
