/** Whether a line or a span is found by a query, of the simple ones that dashboards have: conditions that all must hold. */

type Value = unknown;

/** What conditions are made of: `status >= 500`, `duration > 1s`, `kind = server`. */
const CONDITION = /^([\w.]+) (=|!=|>=|<=|>|<) (.+)$/;
const SECONDS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60 };

/** `{…} | json | field op value | …` against a line's fields. The stream's labels are the shipper's. @throws for other queries. */
export function findsLine(query: string, line: Readonly<Record<string, Value>>): boolean {
  const [, pipeline] = /^\{[^}]*\} \| json( \| .+)?$/.exec(query) ?? fail(query);
  const conditions = (pipeline ?? "").split(" | ").filter((part) => part !== "");
  return conditions.every((condition) => holds(condition, (name) => line[name]));
}

/** `{ condition && … }` against a span. @param valueFor by the attribute's name with its scope, or an intrinsic's. @throws as above. */
export function findsSpan(query: string, valueFor: (name: string) => Value): boolean {
  const [, conditions] = /^\{ (.+) \}$/.exec(query) ?? fail(query);
  return conditions.split(" && ").every((condition) => holds(condition, valueFor));
}

function holds(condition: string, valueFor: (name: string) => Value): boolean {
  const [, name, operator, wanted] = CONDITION.exec(condition) ?? fail(condition);
  const value = valueFor(name);
  if (value === undefined || value === null) return false;
  const [left, right] = [plain(value), plain(wanted)];
  switch (operator) {
    case "=":
      return left === right;
    case "!=":
      return left !== right;
    case ">":
      return left > right;
    case ">=":
      return left >= right;
    case "<":
      return left < right;
    default:
      return left <= right;
  }
}

/** Durations in seconds, numbers as such, texts without quotes. */
function plain(value: Value): number | string {
  if (typeof value === "number") return value;
  const text = String(value).replace(/^"(.*)"$/, "$1");
  const [, digits, unit] = /^([\d.]+)(ms|s|m)?$/.exec(text) ?? [];
  return digits === undefined ? text : Number(digits) * (unit === undefined ? 1 : SECONDS[unit]);
}

function fail(text: string): never {
  throw new Error(`this test reads no such query: ${text}`);
}
