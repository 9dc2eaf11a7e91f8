/** Whether a connection fails for want of something of our own: that says nothing about the server. */
import { closeSync, openSync } from "node:fs";
import { isIPv6 } from "node:net";
import { networkInterfaces } from "node:os";
import type { CheckSkip } from "../shared/health-causes.ts";

/** What the system says when it, or we, have nothing left to make a connection of. */
const SHORTAGES: ReadonlyMap<string, CheckSkip> = new Map([
  ["EMFILE", "descriptors"],
  ["ENFILE", "descriptors"],
  ["ENOBUFS", "memory"],
  ["ENOMEM", "memory"],
  ["EAGAIN", "memory"],
]);

/** True while this process, or the system, has no descriptor left. */
export function lacksDescriptors(): boolean {
  try {
    closeSync(openSync("/dev/null", "r"));
    return false;
  } catch (error) {
    return SHORTAGES.has((error as NodeJS.ErrnoException).code ?? "");
  }
}

/** `error` of a connection to `address`: what is it that we lack? `null` = nothing. */
export function ownShortage({ code = "" }: NodeJS.ErrnoException, address: string): CheckSkip | null {
  const shortage = SHORTAGES.get(code);
  if (shortage !== undefined) return shortage;
  // All local ports are in use; or there is no address of this family, and then the server cannot be reached from here.
  if (code === "EADDRNOTAVAIL") return hasAddressLike(address) ? "ports" : null;
  // The runtime reports a socket that could not be made as a refused connection.
  return code === "ECONNREFUSED" && lacksDescriptors() ? "descriptors" : null;
}

function hasAddressLike(address: string): boolean {
  const family = isIPv6(address) ? "IPv6" : "IPv4";
  return Object.values(networkInterfaces()).some((all) => all?.some((one) => one.family === family));
}
