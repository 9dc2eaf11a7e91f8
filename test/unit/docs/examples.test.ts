/** Every example of a configuration file in the documents is one that can be used, and nothing in it is warned of. */
import { afterAll, expect, test } from "bun:test";
import { parse } from "yaml";
import { BLOCK_NAMES, FILE_SECTIONS } from "../../../src/config/file-keys.ts";
import { blocksOf } from "../../support/doc-blocks.ts";
import { ConfigFile } from "../config/sites/fixture.ts";

const file = new ConfigFile();
afterAll(() => file.remove());

const DOCUMENTS = ["README.md", "docs/configuration.md", "docs/route-actions.md", "docs/sites.md"];
const KEYS: readonly string[] = [...FILE_SECTIONS.map(({ name }) => name), ...BLOCK_NAMES];

const EXAMPLES = DOCUMENTS.flatMap((path) =>
  blocksOf(path)
    .filter(({ language }) => language === "yaml")
    .map(({ line, text }) => ({ where: `${path}:${line}`, text })),
);

/** With pools for the routes of an example that shows routes alone. */
function complete(text: string): string {
  const { servers, pools } = parse(text) as Record<string, unknown>;
  if (servers !== undefined || pools !== undefined) return text;
  const names = new Set([...text.matchAll(/\bpool: ([\w-]+)/g)].map(([, name]) => name));
  const made = [...(names.size === 0 ? ["some"] : names)].map(
    (name, i) => `  ${name}: {servers: [http://10.0.0.1:${i + 1}]}\n`,
  );
  return `${text}pools:\n${made.join("")}`;
}

/** Every variable is set, and no file has to be there. */
function load(text: string) {
  const names = [...text.matchAll(/\$\{(\w+)\}/g)].map(([, name], i) => [
    name,
    `${i}-a-secret-of-thirty-two-bytes-or-more`,
  ]);
  return file.right(
    complete(text).replaceAll(/\bfile:[^\s,}\]]+/g, "a-secret-of-thirty-two-bytes-or-more"),
    Object.fromEntries(names),
  );
}

test.each(EXAMPLES)("$where", ({ text }) => {
  const unused = / is used by no route/;
  expect(Object.keys(parse(text) as object).filter((key) => !KEYS.includes(key))).toEqual([]);
  expect(load(text).warnings.filter((warning) => !(unused.test(warning) && complete(text) !== text))).toEqual([]);
});

test("there are examples, and what is wrong with one is found", () => {
  expect(EXAMPLES.length).toBeGreaterThan(10);
  expect(() => load("routes: [{pool: a, hosts: b}]\n")).toThrow('"hosts" is no key');
});
