/**
 * OpenMetrics 1.0.0: the text format that has exemplars. Counters are called without `_total` where they are described; families
 * whose name ends in a unit say so. There is no `_created`: when a series began is nowhere kept, and Prometheus would take it for
 * a series of its own.
 */
import type { ExpositionFormat, Family } from "./format.ts";
import { canonical, escaped, labelText, written } from "./label-text.ts";
import { TextWriter } from "./text-writer.ts";

const TOTAL = "_total";
const UNITS = ["seconds", "bytes"];

/** For whoever asks for it: Prometheus does. */
export const OPENMETRICS: ExpositionFormat = {
  begin: () =>
    new TextWriter({
      head,
      boundary: canonical,
      exemplar: ({ labels, value, timeMs }) => ` # {${labelText(labels)}} ${written(value)} ${timeMs / 1000}`,
      familyFoot: "",
      foot: "# EOF\n",
    }),
};

function head(name: string, { type, help }: Family): string {
  const family = type === "counter" && name.endsWith(TOTAL) ? name.slice(0, -TOTAL.length) : name;
  const unit = UNITS.find((each) => family.endsWith(`_${each}`));
  const units = unit === undefined ? "" : `# UNIT ${family} ${unit}\n`;
  return `# TYPE ${family} ${type}\n${units}# HELP ${family} ${escaped(help)}\n`;
}
