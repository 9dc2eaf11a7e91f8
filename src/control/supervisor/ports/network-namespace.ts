/** Which network this process is in: ports are those of a network, and containers have their own. */
import { readlinkSync } from "node:fs";

/** Its name; `null` where the system has no such thing. */
export function networkNamespace(): string | null {
  try {
    return readlinkSync("/proc/self/ns/net");
  } catch {
    return null;
  }
}
