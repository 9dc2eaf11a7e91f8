/** Values of changes as people read them: in the log, in the audit, in commands and at the page. Pure. */

/** `2`, `drain until 2026-11-30T03:00:00Z`, `weight 2, capacity 40`; what is not there is `unset`. */
export function valueInWords(value: unknown): string {
  if (value === null || value === undefined) return "unset";
  if (value === "") return "empty";
  if (typeof value === "boolean") return value ? "on" : "off";
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.map(valueInWords).join(", ");
  if (!isRecord(value)) return String(value);
  const parts = Object.entries(value).map(([name, inner]) => `${name} ${valueInWords(inner)}`);
  return stateInWords(value) ?? (parts.length === 0 ? "none" : parts.join(", "));
}

/** `weight 1 → 2, state active → drain`; where other things have values afterwards, all of them: `a 1 → a 9, b 1`. */
export function changeInWords(before: unknown, after: unknown): string {
  if (isRecord(before) && isRecord(after) && sameNames(before, after)) {
    const each = Object.keys(after).map((name) => `${name} ${arrow(before[name], after[name])}`);
    if (each.length > 0) return each.join(", ");
  }
  return arrow(before, after);
}

function arrow(before: unknown, after: unknown): string {
  return `${valueInWords(before)} → ${valueInWords(after)}`;
}

/** Of what an operator has done with a server; the reason stands beside it, wherever it is told. */
function stateInWords(value: Readonly<Record<string, unknown>>): string | null {
  const { state, reason: _, until, ...rest } = value;
  if (typeof state !== "string" || Object.keys(rest).length > 0) return null;
  return typeof until === "string" ? `${state} until ${until}` : state;
}

function sameNames(a: object, b: object): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => name in b);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
