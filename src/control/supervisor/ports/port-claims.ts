/**
 * Which instance has which ports. Workers share a port (SO_REUSEPORT), and so the kernel would let a second instance of the
 * same user share it, too. To look whether the port is free does not help when both start at once, or while the only worker
 * of the first one is started again: so each writes down what it wants, in its runtime directory, and looks at the others.
 *
 * Of several that ask at the same time exactly one gets it: first each writes down that it asks, then it looks. Whoever sees
 * one that has the port gives up, as does whoever sees one that asks and comes before it in the order of names; one that
 * asks and comes after it is waited for, because it may have looked before. A claim ends with its process, whatever ends
 * that. Other users need no claim: with them the kernel shares nothing.
 *
 * One that takes over (../take-over/) gets the ports beside the one that has them, and writes down whose they are: of several that
 * would take over from the same instance one does.
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
const ADMIN_PORT = "ADMIN_PORT";

/** A port that is wanted, and the settings that say so. */
export interface WantedPort {
  readonly hostSetting: string;
  readonly portSetting: string;
  readonly host: string;
  readonly port: number;
}

/** Until it is released, or the process ends, no other instance of this user gets these ports. */
export interface PortClaim {
  /** Who has them, too, until it has handed them over; `null` = nobody. */
  readonly predecessor: PortHolder | null;
  release(): void;
  /** The predecessor has gone. */
  settle(): void;
}

/** Another instance that has ports. */
export interface PortHolder {
  readonly pid: number;
  readonly path: string;
  readonly ports: ReadonlySet<number>;
  /** It understands that it is taken over from, and need not be stopped. */
  readonly handsOver: boolean;
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
  /** The directory of the instance that has them, too, while this one takes over; `null`, or not there = nobody. */
  readonly predecessor?: string | null;
  /** Not there in earlier versions. */
  readonly handsOver?: boolean;
}

/** The ports of a configuration but those that the system chooses. */
export function portsOf(settings: ProxySettings, admin: Pick<Config["admin"], "host" | "port">): WantedPort[] {
  const wanted = [
    ...namedListeners(settings).map(({ listener: { host, port }, ...names }) => ({ ...names, host, port })),
    { hostSetting: "ADMIN_HOST", host: admin.host, portSetting: ADMIN_PORT, port: admin.port ?? 0 },
  ];
  return wanted.filter((one) => one.port > 0);
}

/**
 * Throws an `Error` for the operator when another instance has one of the ports, or gets it at this moment.
 * @param takesOver one that has them is to hand them over.
 */
export async function claimPorts(
  own: RuntimeDirectory,
  wanted: readonly WantedPort[],
  takesOver = false,
): Promise<PortClaim> {
  const release = () => rmSync(own.portsPath, { force: true });
  if (wanted.length === 0) return { predecessor: null, release, settle() {} };
  const network = networkNamespace();
  const asked = await Promise.all(wanted.map(async (one) => ({ ...one, hosts: await addressesOf(one.host) })));
  const addresses = asked.flatMap(({ hosts, port }) => hosts.map((host) => ({ host, port })));
  let predecessor: PortHolder | null = null;
  const write = (granted: boolean) => {
    const claim: Claim = { granted, network, addresses, predecessor: predecessor?.path ?? null, handsOver: true };
    writeFileSync(own.portsPath, JSON.stringify(claim));
  };
  write(false);
  for (let waits = 0; ; waits++) {
    let undecided = false;
    predecessor = null;
    for (const other of await livingInstances()) {
      if (other.path === own.path) continue;
      const claim = readClaim(other.portsPath);
      if (claim === "being written") undecided = waits < MAX_WAITS;
      if (claim === null || claim === "being written") continue;
      const met = asked.find((one) => meets(one, claim, network));
      if (met === undefined) continue;
      if (
        takesOver &&
        met.portSetting !== ADMIN_PORT &&
        claim.granted &&
        (claim.predecessor ?? null) === null &&
        predecessor === null
      ) {
        const ports = new Set(claim.addresses.map(({ port }) => port));
        predecessor = { pid: other.pid, path: other.path, ports, handsOver: claim.handsOver === true };
        continue;
      }
      if (claim.granted || other.path < own.path || waits >= MAX_WAITS) {
        release();
        const isTakenOver = takesOver && (claim.predecessor ?? null) !== null;
        throw new Error(
          `cannot listen on ${met.hostSetting}=${met.host} ${met.portSetting}=${met.port}: it is in use by another instance, process ${other.pid}${isTakenOver ? ", which takes it over from its predecessor at the moment; wait for it" : "; stop that one, or choose another port"}`,
        );
      }
      undecided = true;
    }
    if (!undecided) break;
    await Bun.sleep(WAIT_MS);
  }
  write(true);
  const settle = (): void => {
    predecessor = null;
    write(true);
  };
  return { predecessor, release, settle };
}

/** The process id of the living instance that takes over from the one in this directory; `null` = nobody does. */
export async function successorOf(own: Pick<RuntimeDirectory, "path">): Promise<number | null> {
  for (const { portsPath, pid } of await livingInstances()) {
    const claim = readClaim(portsPath);
    if (claim !== null && claim !== "being written" && claim.predecessor === own.path) return pid;
  }
  return null;
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
