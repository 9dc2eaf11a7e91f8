/** The process that bundles the page for the supervisor, whose own thread makes health checks. */
import { bundlePage } from "./bundle.ts";

/** Writes the result to standard output. */
export async function runPageBundle(): Promise<void> {
  await Bun.write(Bun.stdout, JSON.stringify(await bundlePage()));
}
