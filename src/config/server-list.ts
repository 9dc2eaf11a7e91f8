/** Reads `SERVERS`: comma-separated URLs of servers, or of DNS records that name them. */
import ipaddr from "ipaddr.js";
import { MAX_SERVERS } from "../shared/layout.ts";
import { isHostName, isIpv4, isIpv6 } from "./addresses.ts";
import type { ValueType } from "./setting.ts";
import { Complaints, valueType } from "./value-types.ts";

/** One entry of `SERVERS`. A name may resolve to several addresses: each is a server of its own. */
export interface ServerSpec {
  /** As configured, canonical: lower case, port always there, no trailing slash. `dns+srv://…` for SRV records. */
  readonly url: string;
  readonly scheme: "http" | "https";
  /** Host name, address (IPv6 without brackets) or name of the SRV records; with a dot at its end where there was one. */
  readonly host: string;
  /** 0 for `srv`: the records say it. */
  readonly port: number;
  /** An SRV name (RFC 2782), whose records carry hosts, ports and weights. */
  readonly srv: boolean;
  /** Relative share, > 0. From `SERVER_WEIGHT_…`, else 1. */
  readonly weight: number;
  /** As shown to users and to a model. From `SERVER_CAPACITY_…`, else `DEFAULT_CAPACITY`. */
  readonly capacity: number;
  /** Most requests in flight; 0 = not enforced. From `SERVER_CAPACITY_…`, else 0. */
  readonly hardLimit: number;
}

/** The capacity that is shown, and that a model sees, for a server with none configured. */
export const DEFAULT_CAPACITY = 10;

const SCHEMES: Readonly<Record<string, { readonly srv: boolean; readonly scheme: "http" | "https" }>> = {
  http: { srv: false, scheme: "http" },
  https: { srv: false, scheme: "https" },
  "dns+srv": { srv: true, scheme: "http" },
  "dns+srv+https": { srv: true, scheme: "https" },
};
const DEFAULT_PORTS = { http: 80, https: 443 } as const;
const UNWEIGHTED = { weight: 1, capacity: DEFAULT_CAPACITY, hardLimit: 0 } as const;

/** The value type of `SERVERS`. */
export const serverList: ValueType<readonly ServerSpec[]> = valueType("URLs, comma-separated", parseServerList);

function parseServerList(text: string): ServerSpec[] {
  // Nothing of such a value is repeated: with a comma in it, a password looks like an entry of its own.
  if (text.includes("@")) throw new Error('contains an "@": user names and passwords are not supported, remove them');
  const complaints: string[] = [];
  const servers: ServerSpec[] = [];
  const seen = new Map<string, number>();
  for (const [index, raw] of text.split(",").entries()) {
    const entry = raw.trim();
    const where = `entry ${index + 1}`;
    try {
      const server = parseServer(entry);
      const key = `${server.host}:${server.port}`;
      const first = seen.get(key);
      if (first === undefined) {
        seen.set(key, index + 1);
        servers.push(server);
      } else complaints.push(`${where} "${entry}" repeats entry ${first}: name each server once`);
    } catch (error) {
      complaints.push(
        entry === "" ? `${where} is empty: remove the extra comma` : `${where} "${entry}" ${(error as Error).message}`,
      );
    }
  }
  if (servers.length > MAX_SERVERS) complaints.push(`names ${servers.length} servers; the most is ${MAX_SERVERS}`);
  if (complaints.length > 0) throw new Complaints(complaints);
  return servers;
}

function parseServer(entry: string): ServerSpec {
  if (/\s/.test(entry)) throw new Error("contains a space: separate servers by commas");
  if (entry.includes(";")) throw new Error('contains a ";": separate servers by commas');
  const match = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/i.exec(entry);
  if (!match) throw new Error(`has no scheme: write http://${entry}`);
  const known = SCHEMES[match[1].toLowerCase()];
  if (!known)
    throw new Error(
      `has an unknown scheme: use ${Object.keys(SCHEMES)
        .map((s) => `${s}://`)
        .join(", ")}`,
    );
  const authority = match[2].replace(/\/$/, "");
  if (/[?#]/.test(authority)) throw new Error("contains a query or fragment: give scheme, host and port only");
  if (authority.includes("/"))
    throw new Error("contains a path: give scheme, host and port only; requests keep their own path");

  if (!authority.includes("[") && authority.indexOf(":") !== authority.lastIndexOf(":")) {
    throw new Error("has more than one colon: an IPv6 address needs brackets, as in http://[::1]:8001");
  }
  const parts = /^(\[[^\]]*\]|[^:[\]]*)(?::(.*))?$/.exec(authority);
  if (!parts) throw new Error("is not host:port, nor [IPv6 address]:port");
  const host = parseHost(parts[1]);
  const portText = parts[2];
  const name = match[1].toLowerCase();
  if (known.srv) {
    if (portText !== undefined) throw new Error("has a port: SRV records carry their own, leave it out");
    if (!isHostName(host)) throw new Error(`must name an SRV record: ${name}://_http._tcp.example.com`);
    return { url: `${name}://${host}`, scheme: known.scheme, host, port: 0, srv: true, ...UNWEIGHTED };
  }
  const port = portText === undefined ? DEFAULT_PORTS[known.scheme] : parsePort(portText);
  const url = `${name}://${host.includes(":") ? `[${host}]` : host}:${port}`;
  return { url, scheme: known.scheme, host, port, srv: false, ...UNWEIGHTED };
}

function parseHost(text: string): string {
  if (text === "") throw new Error("has no host: write http://host:port");
  if (text.startsWith("[")) {
    const address = text.slice(1, -1);
    if (!isIpv6(address)) throw new Error("has a wrong IPv6 address: write it like http://[2001:db8::1]:8001");
    return ipaddr.IPv6.parse(address).toString();
  }
  if (isIpv4(text)) return text;
  if (!isHostName(text)) {
    throw new Error(`has a wrong host name or address "${text}": letters, digits, "-", "_" and "." are allowed`);
  }
  return text.toLowerCase(); // a dot at its end stays: it says that no search domain is to be added
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65535) throw new Error(`has a wrong port "${text}": it must be a number from 1 to 65535`);
  return port;
}
