/** A supervisor over fake workers and, with `HISTORY=on`, a fake recorder: `fake-supervisor.ts <env file> <worker mode> <journal>`. */
import { join } from "node:path";
import { loadConfig } from "../../../../src/config/load.ts";
import { envFileSource } from "../../../../src/config/sources/env-file.ts";
import { runSupervisor } from "../../../../src/control/supervisor/supervisor.ts";
import { createLogger } from "../../../../src/telemetry/log/logger.ts";

const [envFilePath, mode, journal] = process.argv.slice(2);
const load = async () => loadConfig([envFileSource(envFilePath)]);
const loaded = await load();
if (!loaded.ok) throw new Error(loaded.problems.join("\n"));
const { config, effective, over } = loaded;
const code = await runSupervisor({
  config,
  effective,
  over,
  log: createLogger({ level: config.log.level, format: "json", name: "supervisor" }),
  reload: load,
  workerCommand: [process.execPath, join(import.meta.dir, "../processes/workers/fake-worker.ts"), mode, journal],
  recorderCommand: [
    process.execPath,
    join(import.meta.dir, "../processes/recorder/fake-recorder.ts"),
    mode,
    `${journal}.recorder`,
  ],
  certificatePollMs: 50,
});
process.exit(code);
