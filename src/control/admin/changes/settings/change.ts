/** What an operator changes of settings, of a pool or of the whole instance. */
import { z } from "zod";
import { whyNotInOverride } from "../../../../config/overrides/overridable.ts";
import type { Setting } from "../../../../config/setting.ts";
import { overrideId } from "../../../../shared/operations/override-id.ts";
import type { NewOverride } from "../../../operations/change.ts";
import { ApiError, type Problem } from "../../responses.ts";
import type { Plan } from "../make-change.ts";
import { findSetting, settingsOf, whyElsewhere, whyFixed } from "./names.ts";
import { type SettingSources, viewSetting } from "./view.ts";

/** Characters of a value. */
const MOST_TEXT = 65_536;

/** A value as it is sent; `null` = as configured. */
export const settingInput = z
  .union([
    z.string().max(MOST_TEXT),
    z.number(),
    z.boolean(),
    z.array(z.union([z.string().max(MOST_TEXT), z.number()])).max(1000),
    z.null(),
  ])
  .describe("as the environment has it, or as JSON; null = as configured");

/** One. */
export type SettingInput = z.infer<typeof settingInput>;

/** What is to be changed. */
export interface WantedSettings {
  /** Whose; `null` = the whole instance's. */
  readonly pool: string | null;
  /** Each with where it stands in what was sent. */
  readonly values: readonly { readonly at: string; readonly name: string; readonly value: SettingInput }[];
}

/** What may be changed, as it is: the values in force by name. */
export function presentSettings(pool: string | null, sources: SettingSources): Readonly<Record<string, string | null>> {
  const views = settingsOf(pool === null ? "instance" : "pool").map((one) => viewSetting(one, pool, sources));
  return Object.fromEntries(views.filter(({ changeable }) => changeable).map(({ name, value }) => [name, value]));
}

/** Throws 400 with everything that is wrong. */
export function planSettings(
  { pool, values }: WantedSettings,
  sources: SettingSources,
): Pick<Plan, "set" | "remove" | "before" | "after" | "present"> {
  const problems: Problem[] = [];
  const set: NewOverride[] = [];
  const remove: string[] = [];
  const before: Record<string, unknown> = {};
  const after: Record<string, unknown> = {};
  const seen = new Set<string>();
  for (const { at, name, value } of values) {
    const placed = findSetting(name);
    const problem =
      typeof placed === "string"
        ? placed
        : (whyFixed(placed) ??
          whyElsewhere(pool === null ? "instance" : "pool", placed) ??
          complaint(placed.setting, value));
    if (typeof placed === "string" || problem !== null) {
      problems.push({ at, message: problem ?? "" });
      continue;
    }
    const { env } = placed.setting;
    if (seen.has(env)) problems.push({ at, message: `is ${env}, which is there already: name it once` });
    seen.add(env);
    const view = viewSetting(placed, pool, sources);
    const target = { pool, setting: env };
    before[env] = view.value;
    after[env] = value === null ? view.configured : textOf(value);
    if (value === null) remove.push(overrideId({ kind: "setting", target }));
    else set.push({ kind: "setting", target, value: textOf(value) });
  }
  if (values.length === 0) problems.push({ at: "", message: "names nothing that is to be changed" });
  if (problems.length > 0) throw wrongSettings(problems);
  return { set, remove, before, after, present: presentSettings(pool, sources) };
}

/** `null` = it can be. */
function complaint(setting: Setting<unknown>, value: SettingInput): string | null {
  if (value === null) return null;
  const { form, schema } = setting.type;
  const why = whyNotInOverride(setting.env, textOf(value));
  if (why !== null) return why;
  if (Array.isArray(value) && form.kind !== "list") return "must be one value, not a list";
  const parsed = schema.safeParse(textOf(value));
  return parsed.success ? null : parsed.error.issues.map(({ message }) => message).join("; ");
}

/** As the environment has it. */
function textOf(value: Exclude<SettingInput, null>): string {
  if (Array.isArray(value)) return value.join(",");
  return typeof value === "string" ? value.trim() : String(value);
}

function wrongSettings(problems: readonly Problem[]): ApiError {
  const sentences = problems.map(({ at, message }) => (at === "" ? message : `${at}: ${message}`));
  return new ApiError(400, "invalid_body", `the body is not right: ${sentences.join("; ")}`, {}, problems);
}
