/** Writes settings that are known by their variables as a configuration file has them. */
import { FILE_SECTIONS } from "../../src/config/file-keys.ts";
import type { Setting } from "../../src/config/setting.ts";

/** The text of a file that says what `env` says. */
export function yamlOf(env: Readonly<Record<string, string>>): string {
  const out: string[] = [];
  for (const { name, settings, whole } of FILE_SECTIONS) {
    const set = settings.filter(({ setting }) => env[setting.env] !== undefined);
    if (set.length === 0) continue;
    if (whole !== null) out.push(`${name}: ${yamlValue(whole.setting, env[whole.setting.env])}`);
    else out.push(`${name}:`, ...set.map((one) => `  ${one.name}: ${yamlValue(one.setting, env[one.setting.env])}`));
  }
  return `${out.join("\n")}\n`;
}

/** By the milliseconds that they stand for. */
const UNITS: Readonly<Record<number, string>> = { 1: "ms", 1000: "s", 60000: "m", 3600000: "h", 86400000: "d" };

/** As somebody would write it there: lists as lists, durations with units, numbers and switches without quotes. */
function yamlValue({ type: { form } }: Setting<unknown>, text: string): string {
  const bare = /^\d+(\.\d+)?$/.test(text);
  if (form.kind === "duration" && bare) return `${text}${UNITS[form.bareUnit]}`;
  if (form.kind === "size" && bare) return form.bareUnit === 1 ? text : `${text}MiB`;
  if (form.kind === "list" || form.kind === "servers")
    return JSON.stringify(text.split(",").map((part) => part.trim()));
  return bare || form.kind === "switch" || form.kind === "words" ? text : JSON.stringify(text);
}
