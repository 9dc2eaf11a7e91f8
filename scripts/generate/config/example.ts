/** The annotated example of a configuration file, made from the schema. */
import { FILE_SECTIONS } from "../../../src/config/file-keys.ts";
import { plain, wrapComment } from "../text.ts";
import { blocksExample } from "./blocks.ts";
import { defaultText, describeValue, inFileWords, oneLine, SERVERS } from "./words.ts";

const SCHEMA_PATH = "docs/neurabalancer.schema.json";

const INTRODUCTION = `Settings of NeuraBalancer. Copy this file to neurabalancer.yaml, remove the # before what you change, and
start it by \`neurabalancer serve --config neurabalancer.yaml\`. Environment variables and .env win over it.
Durations have units (250ms, 5s, 1m30s, 2h), sizes may (64KiB, 10MB). \${NAME} stands for a variable, and where a
secret is wanted file:PATH for the text of a file. docs/configuration.md says more. Made by \`npm run generate\`.`;

/** `neurabalancer.example.yaml`: every setting, commented out, at its default. */
export function renderConfigExample(): string {
  const out = [`# yaml-language-server: $schema=${SCHEMA_PATH}`, ...wrapComment(oneLine(INTRODUCTION))];
  for (const { name, section, settings, whole } of FILE_SECTIONS) {
    out.push("");
    if (whole !== null) {
      out.push(...wrapComment(SERVERS), `${name}:`);
      out.push("  - http://127.0.0.1:8001", "  - url: http://127.0.0.1:8002", "    weight: 1");
      continue;
    }
    if (section.doc) out.push(...wrapComment(inFileWords(plain(section.doc))));
    out.push(`${name}:`);
    for (const placed of settings) {
      const doc = `${inFileWords(plain(placed.setting.doc))} [${describeValue(placed)}]`;
      out.push("", ...wrapComment(doc).map((line) => `  ${line}`), `  #${placed.name}:${defaultText(placed)}`);
    }
  }
  out.push("", ...blocksExample());
  return `${out.join("\n")}\n`;
}
