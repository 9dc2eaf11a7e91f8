/**
 * `RATE_LIMITS`: limits in one line, for configurations without a file. Each is a name and words `key=value` with the keys of the
 * file, separated by semicolons: `clients rate=100/s key=client_ip; uploads concurrent=10 key=client_ip,route routes=upload`.
 * It is read as the file would be.
 */
import type { Variable } from "../sources/variable.ts";
import type { YamlEntry, YamlValue } from "../sources/yaml/document.ts";

/** What it says, as a file would. */
export function parseRateLimits({ value, origin }: Variable): YamlValue {
  const limits = value
    .split(";")
    .map((text) => text.trim())
    .filter((text) => text !== "");
  return {
    kind: "map",
    place: origin,
    entries: limits.map((text, index) => limitOf(text, `${origin}, limit ${index + 1}`)),
  };
}

function limitOf(text: string, place: string): YamlEntry {
  const [name, ...words] = text.split(/\s+/);
  const entries = words.map((word): YamlEntry => {
    const at = word.indexOf("=");
    const [key, said] = at < 0 ? [word, ""] : [word.slice(0, at), word.slice(at + 1)];
    return { key, place, value: () => readValue(said, place) };
  });
  return { key: name, place, value: () => ({ kind: "map", place, entries }) };
}

function readValue(text: string, place: string): YamlValue {
  const parts = text.split(",");
  if (parts.length === 1) return { kind: "text", place, text };
  return { kind: "list", place, entries: parts.map((part) => () => ({ kind: "text", place, text: part })) };
}
