/**
 * Which instance has which ports. Workers share a port (SO_REUSEPORT), and so the kernel would let a second instance of the
 * same user share it, too. To look whether the port is free does not help when both start at once, or while the only worker
 * of the first one is started again: so each writes down what it wants, in its runtime directory, and looks at the others.
 *
 * Of several that ask at the same time exactly one gets it: first each writes down that it asks, then it looks. Whoever sees
 * one that has the port gives up, as does whoever sees one that asks and comes before it in the order of names; one that
 * asks and comes after it is waited for, because it may have looked before. A claim ends with its process, whatever ends
 * that. Other users need no claim: with them the kernel shares nothing.
 */
import { lookup } from "node:dns/promises";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { isIPv4, isIPv6 } from "node:net";
import type { Config } from "../../../config/config.ts";
import type { ProxySettings } from "../../../protocol/worker.ts";
import { namedListeners } from "../listening.ts";
import { livingInstances, type RuntimeDirectory } from "../runtime-directory.ts";
import { networkNamespace } from "./network-namespace.ts";

/** How often one that asks is looked at again, and for how long in all. */
const WAIT_MS = 10;
const MAX_WAITS = 500;

/** A port that is wanted, and the settings that say so. */
export interface WantedPort {
  readonly hostSetting: string;
  readonly portSetting: string;
  readonly host: string;
  readonly port: number;
}

/** Until it is released, or the process ends, no other instance of this user gets these ports. */
export interface PortClaim {
  release(): void;
}

interface Address {
  readonly host: string;
  readonly port: number;
}

/** What is written down. */
interface Claim {
  readonly granted: boolean;
  /** Ports are those of a network namespace; `null` where the system has none. */
  readonly network: string | null;
  readonly addresses: readonly Address[];
}

/** The ports of a configuration but those that the system chooses. */
export function portsOf(settings: ProxySettings, admin: Pick<Config["admin"], "host" | "port">): WantedPort[] {
  const wanted = [
    ...namedListeners(settings).map(({ listener: { host, port }, ...names }) => ({ ...names, host, port })),
    { hostSetting: "ADMIN_HOST", host: admin.host, portSetting: "ADMIN_PORT", port: admin.port ?? 0 },
  ];
  return wanted.filter((one) => one.port > 0);
}

/** Throws an `Error` for the operator when another instance has one of the ports, or gets it at this moment. */
export async function claimPorts(own: RuntimeDirectory, wanted: readonly WantedPort[]): Promise<PortClaim> {
  const release = () => rmSync(own.portsPath, { force: true });
  if (wanted.length === 0) return { release };
  const network = networkNamespace();
  const asked = await Promise.all(wanted.map(async (one) => ({ ...one, hosts: await addressesOf(one.host) })));
  const addresses = asked.flatMap(({ hosts, port }) => hosts.map((host) => ({ host, port })));
  const write = (granted: boolean) => writeFileSync(own.portsPath, JSON.stringify({ granted, network, addresses }));
  write(false);
  for (let waits = 0; ; waits++) {
    let undecided = false;
    for (const other of await livingInstances()) {
      if (other.path === own.path) continue;
      const claim = readClaim(other.portsPath);
      if (claim === "being written") undecided = waits < MAX_WAITS;
      if (claim === null || claim === "being written") continue;
      const met = asked.find((one) => meets(one, claim, network));
      if (met === undefined) continue;
      if (claim.granted || other.path < own.path || waits >= MAX_WAITS) {
        release();
        throw new Error(
          `cannot listen on ${met.hostSetting}=${met.host} ${met.portSetting}=${met.port}: it is in use by another instance, process ${other.pid}; stop that one, or choose another port`,
        );
      }
      undecided = true;
    }
    if (!undecided) break;
    await Bun.sleep(WAIT_MS);
  }
  write(true);
  return { release };
}

function meets(one: { port: number; hosts: readonly string[] }, claim: Claim, network: string | null): boolean {
  if (claim.network !== network) return false;
  return claim.addresses.some(({ host, port }) => port === one.port && one.hosts.some((own) => overlap(own, host)));
}

/** As the kernel sees it: `::` stands for all addresses, 0.0.0.0 for all of IPv4. */
function overlap(a: string, b: string): boolean {
  if (a === b || a === "::" || b === "::") return true;
  return (a === "0.0.0.0" && isIPv4(b)) || (b === "0.0.0.0" && isIPv4(a));
}

/** In one spelling; a name as all that it stands for, or itself when that cannot be known. */
async function addressesOf(host: string): Promise<string[]> {
  if (isIPv4(host)) return [host];
  if (isIPv6(host)) return [canonical(host)];
  const found = await lookup(host, { all: true }).catch(() => []);
  return found.length === 0 ? [host] : found.map(({ address }) => (isIPv6(address) ? canonical(address) : address));
}

function canonical(ipv6: string): string {
  const short = new URL(`http://[${ipv6.replace(/%.*/, "")}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(short);
  if (mapped === null) return short;
  const [high, low] = [Number.parseInt(mapped[1], 16), Number.parseInt(mapped[2], 16)];
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

/** `null` when there is none. */
function readClaim(path: string): Claim | "being written" | null {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Claim;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? null : "being written";
  }
}
