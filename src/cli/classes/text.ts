/** How `neurabalancer classes` speaks to people. */
import type { ShownClass, ShownClasses } from "../../control/admin/answers/classes.ts";
import { columns } from "../columns.ts";

/** The classes as a table; what is not known is a dash. */
export function classTable({ pools, classes }: ShownClasses): string {
  if (pools.length === 0) return "No classes of requests are told apart: REQUEST_CLASSES is off.";
  if (classes.length === 0) return "Nothing is known of requests yet: classes show within some seconds of traffic.";
  const pooled = new Set(classes.map(({ pool }) => pool)).size > 1;
  const routed = new Set(classes.map(({ route }) => route)).size > 2; // the rest has none
  const rows = classes.map((one) => [
    ...(pooled ? [one.pool] : []),
    ...(routed ? [one.route ?? "-"] : []),
    one.method ?? "-",
    one.cost.toFixed(2),
    one.cost_error === null ? "-" : `${(one.cost_error * 100).toFixed(0)} %`,
    rangeOf(one),
    percent(one.share),
    percent(one.work_share),
    one.mean_ms === null ? "-" : one.mean_ms.toFixed(1),
    one.template ?? "all others",
  ]);
  const heads = [
    ...(pooled ? ["POOL"] : []),
    ...(routed ? ["ROUTE"] : []),
    "METHOD",
    "COST",
    "±",
    "BY SERVER",
    "REQUESTS",
    "WORK",
    "MEAN MS",
    "PATH",
  ];
  return columns([heads, ...rows]);
}

/** Where servers differ. */
function rangeOf({ least_cost: least, greatest_cost: greatest }: ShownClass): string {
  return least === greatest ? "-" : `${least.toFixed(2)}-${greatest.toFixed(2)}`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
