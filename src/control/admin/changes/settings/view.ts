/** Settings as the page makes forms of them: what is in force, what is configured, and what could be. */
import { z } from "zod";
import { type EffectiveSetting, effectiveOf } from "../../../../config/effective.ts";
import { filePath } from "../../../../config/file-keys.ts";
import type { PlacedSetting } from "../../../../config/schema.ts";
import type { Setting, ValueForm } from "../../../../config/setting.ts";
import type { Override } from "../../../../shared/operations/override.ts";
import { overrideId } from "../../../../shared/operations/override-id.ts";
import { whyFixed } from "./names.ts";

/** Where values come from. */
export interface SettingSources {
  /** What is in force. */
  readonly effective: readonly EffectiveSetting[];
  /** Those in force: others say nothing of what is configured here. */
  readonly overrides: readonly Override[];
}

/** How a setting is shown. */
export const settingView = z
  .strictObject({
    name: z.string().describe("as the environment calls it"),
    key: z.string().nullable().describe("as the configuration file calls it"),
    section: z.string(),
    value: z.string().nullable().describe("in force, as the environment would have it; null = unset"),
    configured: z.string().nullable().describe("without the override; the same where there is none"),
    origin: z.string().describe("default, environment, a place in a file, or the override"),
    override: z.string().nullable().describe("id of the override that says so"),
    default: z.string().nullable(),
    type: z.string().describe("integer, number, switch, words, duration, size, list, fields or text"),
    describe: z.string(),
    unit: z.string().nullable(),
    min: z.number().nullable(),
    max: z.number().nullable(),
    words: z.array(z.string()).nullable(),
    changeable: z.boolean(),
    why_not: z.string().nullable(),
    description: z.string(),
  })
  .meta({ id: "Setting" });

/** A setting as it is shown. */
export type SettingView = z.infer<typeof settingView>;

/** @param pool whose; `null` = the whole instance's. */
export function viewSetting(
  placed: PlacedSetting,
  pool: string | null,
  { effective, overrides }: SettingSources,
): SettingView {
  const { section, setting } = placed;
  const { env: name } = setting;
  const found = effectiveOf(effective, pool, name);
  const value = found?.value ?? null;
  const id = overrideId({ kind: "setting", target: { pool, setting: name } });
  const override = overrides.find((one) => one.id === id);
  const configured = override?.kind === "setting" ? override.configured : value;
  const whyNot = whyFixed(placed);
  return {
    name,
    key: filePath(name),
    section,
    value,
    configured,
    origin: found?.origin ?? "default",
    override: override?.id ?? null,
    default: setting.default,
    ...describeForm(setting),
    changeable: whyNot === null,
    why_not: whyNot,
    description: setting.doc,
  };
}

const UNITS: ReadonlyMap<string, string> = new Map([
  ["duration 1", "milliseconds"],
  ["duration 1000", "seconds"],
  ["duration 60000", "minutes"],
  ["duration 3600000", "hours"],
  ["duration 86400000", "days"],
  ["size 1", "bytes"],
  [`size ${2 ** 20}`, "megabytes"],
]);

function describeForm({ type: { form, describe }, unit }: Setting<unknown>) {
  const { min, max } = rangeOf(form);
  const said = "bareUnit" in form ? UNITS.get(`${form.kind} ${form.bareUnit}`) : undefined;
  const words = form.kind === "words" ? [...form.words] : null;
  return { type: form.kind, describe, unit: unit ?? said ?? null, min, max, words };
}

/** In the unit that a number without one has. */
function rangeOf(form: ValueForm): { readonly min: number | null; readonly max: number | null } {
  if (!("min" in form)) return { min: null, max: null };
  const unit = "bareUnit" in form ? form.bareUnit : 1;
  return { min: form.min / unit, max: form.max / unit };
}
