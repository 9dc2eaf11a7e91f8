/** How the configuration file says what settings are. */
import { type FileSetting, filePath } from "../../../src/config/file-keys.ts";
import type { ValueType } from "../../../src/config/setting.ts";
import { sayDuration, saySize } from "../../../src/config/values/units.ts";

/** How a file writes the values of a setting. */
export function describeValue({ setting: { type, unit } }: FileSetting): string {
  return unit === undefined ? describeType(type) : `${type.describe} (${unit})`;
}

/** How a file writes the values of a type. */
export function describeType(type: ValueType<unknown>): string {
  const { form } = type;
  if (form.kind === "duration") return `${sayDuration(form.min)} … ${sayDuration(form.max)}`;
  if (form.kind === "size") return `${saySize(form.min)} … ${form.max >= 2 ** 50 ? "any size" : saySize(form.max)}`;
  if (form.kind === "list") return `${type.describe.replace(/, ?comma-separated/, "")}: one, or a list`;
  return type.describe;
}

/** The default as a file would have it, after a blank; nothing = it has none. */
export function defaultText({ setting }: FileSetting): string {
  const { form } = setting.type;
  if (setting.default === null) return "";
  if (form.kind === "duration") return ` ${sayDuration(Number(setting.default) * form.bareUnit)}`;
  if (form.kind === "size") return ` ${saySize(Number(setting.default) * form.bareUnit)}`;
  return ` ${/^[\w./-][\w./ -]*$/.test(setting.default) ? setting.default : JSON.stringify(setting.default)}`;
}

/** Settings are called here what they are in the file. */
export function inFileWords(text: string): string {
  return text.replace(/\b[A-Z][A-Z0-9_]*\b/g, (name) => filePath(name) ?? name);
}

/** A text of one line. */
export function oneLine(text: string): string {
  return text.replaceAll("\n", " ");
}

/** What a server in a list is. */
export const SERVERS =
  oneLine(`Your servers: URLs, or mappings with url, weight (a relative share, default 1), capacity (most requests in
flight), zone (where it runs) and backup (on: used only while the others are gone). All addresses of a name are used;
dns+srv://_http._tcp.example.com reads an SRV record (dns+srv+https:// for TLS), k8s://namespace/service a service of Kubernetes.`);
