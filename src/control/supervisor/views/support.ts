/** What a support bundle sees of an instance. */
import { version } from "../../../../package.json";
import { secretValues } from "../../../config/values/secret-values.ts";
import type { SupportOptions } from "../../support/support-bundle.ts";
import type { SupervisorView } from "../status.ts";

/** For `SupportBundle`. @param random uniform in [0, 1). */
export function supportOptions(view: SupervisorView, random: () => number): SupportOptions {
  return {
    version,
    runtime: `bun ${Bun.version}`,
    secrets: () => secretValues(view.configuration.config),
    pids: () => [process.pid, ...(view.workers()?.status() ?? []).flatMap(({ pid }) => pid ?? [])],
    wallMs: () => view.clock.wallMs(),
    nowMs: () => view.clock.nowMs(),
    random,
  };
}
