/**
 * Lays out schemas as kubeconform looks for them: `<version>/<kind>-<group>-<version>.json`, where unknown fields are errors.
 * Arguments: the folder of kubernetes-validate's schemas, what `go mod download -json` said of Prometheus' operator, the target.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

/** The oldest that the chart takes, the newest that it was written for, the newest that there are schemas of. */
const VERSIONS = ["1.25.0", "1.35.0", "1.37.0"];
/** Custom resources of the chart, with the SHA-256 of the file that describes them. */
const RESOURCES = {
  servicemonitors: "1dae27b7189b5ce7b9ab764656c18b4c75a45cde1e6f3af6a5e84c4317628919",
  prometheusrules: "98fd16c9ab79fba8dcd6ef62c957c98cd6546ab74ce0a4ecf09ddf2fda03020e",
};

const [kubernetes, operator, target] = process.argv.slice(2);

for (const version of VERSIONS) {
  const from = join(kubernetes, `v${version}-local-strict`);
  const to = join(target, `v${version}`);
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from)) {
    if (name === "all.json") continue;
    // References lead to the file beside it, not to the address that these schemas are published under.
    const text = readFileSync(join(from, name), "utf8")
      .replaceAll('"/api/_definitions.json#', '"_definitions.json#')
      .replace(/,?\s*"\$id": "[^"]*"/, "");
    writeFileSync(join(to, name), text);
  }
}

const { Dir: directory } = JSON.parse(readFileSync(operator, "utf8"));
for (const [plural, sum] of Object.entries(RESOURCES)) {
  const path = join(directory, `example/prometheus-operator-crd/monitoring.coreos.com_${plural}.yaml`);
  const text = readFileSync(path, "utf8");
  const found = createHash("sha256").update(text).digest("hex");
  if (found !== sum) throw new Error(`${path} is not the file that this script was written for: ${found}`);
  const { spec } = parse(text);
  for (const { name, schema } of spec.versions) {
    const file = `${spec.names.kind.toLowerCase()}-monitoring-${name}.json`;
    for (const version of VERSIONS) {
      writeFileSync(join(target, `v${version}`, file), JSON.stringify(strict(schema.openAPIV3Schema)));
    }
  }
}

/** The same schema, in which an object has no fields but those that are named. `metadata` is Kubernetes' own. */
function strict(schema, name = "") {
  if (typeof schema !== "object" || schema === null || Array.isArray(schema)) return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, strictPart(key, value)]));
  const isClosed = "properties" in schema && !("additionalProperties" in schema) && name !== "metadata";
  return isClosed && !schema["x-kubernetes-preserve-unknown-fields"]
    ? { ...inner, additionalProperties: false }
    : inner;
}

function strictPart(key, value) {
  if (key === "properties") {
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, strict(each, name)]));
  }
  return key === "items" || key === "additionalProperties" ? strict(value) : value;
}
