/** Whether a connection fails for want of something of our own: that says nothing about the server. */
import { closeSync, openSync } from "node:fs";
import { isIPv6 } from "node:net";
import { networkInterfaces } from "node:os";

/** What the system says when it, or we, have nothing left to make a connection of. */
const SHORTAGES: ReadonlySet<string> = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EAGAIN"]);

/** True while this process, or the system, has no descriptor left. */
export function lacksDescriptors(): boolean {
  try {
    closeSync(openSync("/dev/null", "r"));
    return false;
  } catch (error) {
    return SHORTAGES.has((error as NodeJS.ErrnoException).code ?? "");
  }
}

/** `error` of a connection to `address`: is it we who lack something? */
export function isOwnShortage({ code = "" }: NodeJS.ErrnoException, address: string): boolean {
  if (SHORTAGES.has(code)) return true;
  // All local ports are in use; or there is no address of this family, and then the server cannot be reached from here.
  if (code === "EADDRNOTAVAIL") return hasAddressLike(address);
  // The runtime reports a socket that could not be made as a refused connection.
  return code === "ECONNREFUSED" && lacksDescriptors();
}

function hasAddressLike(address: string): boolean {
  const family = isIPv6(address) ? "IPv6" : "IPv4";
  return Object.values(networkInterfaces()).some((all) => all?.some((one) => one.family === family));
}
