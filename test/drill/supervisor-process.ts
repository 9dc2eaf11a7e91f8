/** The product with a resolver that reads names from `names.json` of the current directory at each question. */
import { readFileSync } from "node:fs";
import { loadProcessConfig } from "../../src/config/environment.ts";
import { runSupervisor } from "../../src/control/supervisor/supervisor.ts";
import { createLogger } from "../../src/telemetry/log/logger.ts";

const loaded = await loadProcessConfig();
if (!loaded.ok) throw new Error(loaded.problems.join("\n"));
const resolver = {
  async lookup(host: string) {
    const names = JSON.parse(readFileSync("names.json", "utf8")) as Record<string, string[]>;
    if (names[host] === undefined) throw new Error(`${host} does not exist`);
    return { addresses: names[host], ttlSeconds: 0 };
  },
  srv: () => Promise.reject(new Error("no SRV records here")),
};
const log = createLogger({ level: "info", format: "json", name: "supervisor" });
const { config, effective, over } = loaded;
process.exit(await runSupervisor({ config, effective, over, log, resolver, reload: () => loadProcessConfig() }));
