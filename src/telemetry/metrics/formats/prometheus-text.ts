/** The Prometheus text format 0.0.4: what every scraper and every person understands. It knows no exemplars. */
import type { ExpositionFormat } from "./format.ts";
import { TextWriter } from "./text-writer.ts";

/** What every Prometheus understands. */
export const PROMETHEUS_TEXT: ExpositionFormat = {
  contentType: "text/plain; version=0.0.4; charset=utf-8",
  begin: () =>
    new TextWriter({
      head: (name, { help, type }) =>
        `# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n# TYPE ${name} ${type}\n`,
      boundary: String,
      exemplar: () => "",
      familyFoot: "\n",
      foot: "",
    }),
};
