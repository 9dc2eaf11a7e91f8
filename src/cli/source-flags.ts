/** The flags of every command that reads settings. */
import type { Command } from "commander";

/** Adds them to `command`. */
export function withSourceFlags(command: Command): Command {
  return command
    .option("--config <file>", "read this file of settings in YAML (default: CONFIG_FILE)")
    .option("--env-file <file>", "read this file instead of .env of the current directory");
}
