/** Settings from a process's environment. Which process's is the caller's business. */
import type { SettingsSource } from "./source.ts";

/** The variables of `env`. A value of blanks counts as unset, too. */
export function environmentSource(env: Readonly<Record<string, string | undefined>>): SettingsSource {
  return {
    name: "the environment",
    read() {
      const variables = Object.entries(env).flatMap(([name, value]) =>
        value?.trim() ? [{ name, value, origin: "environment", inFile: false }] : [],
      );
      return { variables, problems: [] };
    },
  };
}
