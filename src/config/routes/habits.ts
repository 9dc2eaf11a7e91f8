/** What other programs mean by what is written, and this one does not: said in warnings, because it may be meant as it stands. */
import { ReservedPath } from "../../shared/reserved-paths.ts";
import type { Sections } from "../schema.ts";
import type { ShapeFindings } from "../shapes/findings.ts";
import type { RouteBlock } from "./shape.ts";

const OWN_PATHS: readonly string[] = Object.values(ReservedPath);

/** `*`, `**`, `:id` as a whole segment. */
const WILDCARD = /\/(\*\*?|:\w+)(?=\/|$)/;
/** `$remote_addr`, `%[src]`. */
const VARIABLE = /\$[a-z_]+|%\[\w+/i;

/** `~^a`, `a.*`, `^a$`. */
const REGULAR = /^[~^]|\.\*|\$$/;

/** Warns of what will not do what it seems to. */
export function warnOfHabits({ fields }: RouteBlock, { app }: Pick<Sections, "app">, findings: ShapeFindings): void {
  for (const { value, ...spot } of fields.headers?.entries ?? []) {
    if (REGULAR.test(value.value)) {
      findings.warning(spot, "is compared as it stands: there are no regular expressions");
    }
  }
  for (const leaf of [...(fields.path?.entries ?? []), ...(fields.exact_path?.entries ?? [])]) {
    const [, segment] = WILDCARD.exec(leaf.value) ?? [];
    if (segment !== undefined) {
      findings.warning(leaf, `fits "${segment}" as it stands: there are no wildcards and no parameters in paths`);
    }
  }
  for (const leaf of [...(fields.path?.entries ?? []), ...(fields.exact_path?.entries ?? [])]) {
    const isOwn = OWN_PATHS.includes(leaf.value) || leaf.value.startsWith(`${ReservedPath.SERVERS}/`);
    if (!app.reservedPaths || !isOwn) continue;
    if (leaf.value === ReservedPath.METRICS && !app.prometheusEnabled) continue;
    findings.warning(
      leaf,
      `is a path that the balancer answers itself, before routes: RESERVED_PATHS=false gives it to them`,
    );
  }
  for (const edits of [fields.request_headers?.fields, fields.response_headers?.fields]) {
    for (const { value, ...spot } of edits?.set?.entries ?? []) warnOfVariable(value.value, spot, findings);
    for (const { value, ...spot } of edits?.add?.entries ?? []) {
      for (const one of value.entries) warnOfVariable(one.value, spot, findings);
    }
  }
  const { redirect, host } = fields;
  if (redirect === undefined) return;
  const to = redirect.fields;
  if (to.port !== undefined || to.path !== undefined || to.prefix !== undefined) return;
  const staysAtHost = to.host === undefined || (host?.entries ?? []).some(({ value }) => value === to.host?.value);
  if (!staysAtHost) return;
  if (to.scheme?.value === "https") {
    findings.warning(redirect, "is given to requests that came by https as well, for ever: use https_redirect: on");
  } else findings.warning(redirect, `sends clients of ${to.host?.value ?? "a host"} to where they are, for ever`);
}

function warnOfVariable(
  value: string,
  spot: { readonly path: string; readonly place: string },
  findings: ShapeFindings,
) {
  const [variable] = VARIABLE.exec(value) ?? [];
  if (variable !== undefined) findings.warning(spot, `is sent as it stands: nothing takes the place of ${variable}`);
}
