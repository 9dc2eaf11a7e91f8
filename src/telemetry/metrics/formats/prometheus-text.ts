/** The Prometheus text format 0.0.4: what every scraper and every person understands. It knows no exemplars. */
import type { ExpositionFormat } from "./format.ts";
import { TextWriter } from "./text-writer.ts";

/** For whoever does not ask for anything else. */
export const PROMETHEUS_TEXT: ExpositionFormat = {
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
