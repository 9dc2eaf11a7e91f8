/**
 * Preloaded into every process that the demo starts (`bun --preload`). The demo holds the other end of this process's
 * standard input; however the demo dies, `kill -9` included, the kernel closes that end, and this process stops as on
 * SIGTERM. The parent's id keeps it to the demo's own children: what they start in turn inherits neither pipe nor duty.
 */
import { EXIT_WITH_PARENT } from "./exit-with-parent-env.ts";

if (process.env[EXIT_WITH_PARENT] === String(process.ppid)) {
  process.stdin.on("end", () => process.kill(process.pid, "SIGTERM"));
  process.stdin.on("error", () => process.kill(process.pid, "SIGTERM"));
  process.stdin.resume();
}
