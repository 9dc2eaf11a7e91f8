/** `neurabalancer model-server`: scores of a model for balancers that ask over HTTP. */
import type { Command } from "commander";
import { version } from "../../package.json";
import { loadProcessModelServerConfig, type SourceFlags } from "../config/environment.ts";
import { createLogger } from "../telemetry/log/logger.ts";
import { withSourceFlags } from "./source-flags.ts";
import { tellWrongConfiguration } from "./wrong-start.ts";

const HELP = `
Settings come from environment variables, from .env of the current directory and from a configuration file, if you name
one; what is named first wins. MODEL_PATH names the model: a directory with load_balancer.onnx, scaler.json and
inference_features.json, or the ONNX file itself. Without a model it answers 503, and loads one as soon as the files are
there. docs/model-server.md has recipes.

Endpoints:
  POST /predict      {"servers": [{"cpu_usage": 12.5, …}, …]} gives {"predictions": [0.8, …]}; lower is better
  GET  /health       200; says "degraded" without a model
  GET  /version      of the product and of the model
  POST /reload       read the model's files again (it also happens by itself when they change)
  GET  /metrics      in the Prometheus text format

Examples:
  $ MODEL_PATH=models/current neurabalancer model-server
  $ MODEL_PATH=model.onnx SCALER_PATH=scaler.json ML_SERVICE_PORT=9000 neurabalancer model-server
  $ ML_MODEL_ENDPOINT=http://127.0.0.1:8081 neurabalancer serve           the balancer that asks it

Signals:
  SIGTERM, SIGINT   finish the requests in flight (SHUTDOWN_TIMEOUT_SECONDS), then exit with 0

Exit codes:
  0  stopped by a signal
  1  wrong usage or configuration, or it could not start; standard error says why`;

/** Adds the `model-server` command to `program`. */
export function registerModelServer(program: Command): void {
  withSourceFlags(program.command("model-server"))
    .description("offer a model's scores to balancers")
    .addHelpText("after", HELP)
    .action((flags: SourceFlags) => runModelServer(flags));
}

async function runModelServer(flags: SourceFlags): Promise<void> {
  const loaded = await loadProcessModelServerConfig(flags);
  if (!loaded.ok) {
    await tellWrongConfiguration("model-server", flags, loaded.problems, []);
    process.exit(1);
  }
  const { config, warnings } = loaded;
  const log = createLogger({ level: config.log.level, format: config.log.format, name: "model-server" });
  for (const warning of warnings) log.warn(warning);
  const stop = Promise.withResolvers<void>();
  process.on("SIGTERM", () => stop.resolve());
  process.on("SIGINT", () => stop.resolve());
  // Loaded only here: it brings what reads ONNX, which other commands should not wait for.
  const { startModelServer } = await import("../model-server/server.ts");
  try {
    const server = startModelServer({ config, log, nowMs: () => performance.now() });
    await Promise.race([server.loaded, stop.promise]);
    log.info({ version, url: server.url }, "the model server listens");
    await stop.promise;
    await server.stop();
    log.info("stopped");
    process.exit(0);
  } catch (error) {
    const { host, port } = config.service;
    const inUse = (error as { code?: string }).code === "EADDRINUSE";
    log.error(
      `cannot listen on ML_SERVICE_HOST=${host} ML_SERVICE_PORT=${port}: ${inUse ? "it is in use" : (error as Error).message}`,
    );
    process.exit(1);
  }
}
