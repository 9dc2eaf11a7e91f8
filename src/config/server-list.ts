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
  /** `host`: A/AAAA records or an address. `srv`: an SRV record (RFC 2782), which carries ports and weights. */
  readonly kind: "host" | "srv";
  /** Host name, address (IPv6 without brackets) or name of the SRV record. */
  readonly hostname: string;
  /** 0 for `srv`: the record says it. */
  readonly port: number;
  /** Requests go to the servers over TLS. */
  readonly tls: boolean;
  /** Relative share, > 0. From `SERVER_WEIGHT_…`, 1 by default; servers of an SRV record have the record's weights. */
  readonly weight: number;
  /** Most requests in flight, enforced; `null` = not set (`DEFAULT_CAPACITY` is shown, nothing is enforced). */
  readonly capacity: number | null;
}

/** The capacity that is shown, and that a model sees, for a server with none configured. */
export const DEFAULT_CAPACITY = 10;

const SCHEMES: Readonly<
  Record<string, { readonly kind: ServerSpec["kind"]; readonly tls: boolean; readonly port: number }>
> = {
  http: { kind: "host", tls: false, port: 80 },
  https: { kind: "host", tls: true, port: 443 },
  "dns+srv": { kind: "srv", tls: false, port: 0 },
  "dns+srv+https": { kind: "srv", tls: true, port: 0 },
};

/** The value type of `SERVERS`. */
export const serverList: ValueType<readonly ServerSpec[]> = valueType("URLs, comma-separated", parseServerList);

function parseServerList(text: string): ServerSpec[] {
  const complaints: string[] = [];
  const servers: ServerSpec[] = [];
  const seen = new Map<string, number>();
  for (const [index, raw] of text.split(",").entries()) {
    const entry = raw.trim();
    const where = `entry ${index + 1}`;
    try {
      const server = parseServer(entry);
      const key = `${server.hostname}:${server.port}`;
      const first = seen.get(key);
      if (first === undefined) {
        seen.set(key, index + 1);
        servers.push(server);
      } else complaints.push(`${where} "${entry}" repeats entry ${first}: name each server once`);
    } catch (error) {
      complaints.push(
        entry === ""
          ? `${where} is empty: remove the extra comma`
          : `${where} "${hideUserInfo(entry)}" ${(error as Error).message}`,
      );
    }
  }
  if (servers.length > MAX_SERVERS) complaints.push(`names ${servers.length} servers; the most is ${MAX_SERVERS}`);
  if (complaints.length > 0) throw new Complaints(complaints);
  return servers;
}

/** What stands before an `@` may be a password: it is not repeated in an error. */
function hideUserInfo(entry: string): string {
  return entry.replace(/^([a-z0-9+.-]+:\/\/)?.*@/i, "$1****@");
}

function parseServer(entry: string): ServerSpec {
  if (/\s/.test(entry)) throw new Error("contains a space: separate servers by commas");
  const match = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/i.exec(entry);
  if (!match) throw new Error(`has no scheme: write http://${hideUserInfo(entry)}`);
  const scheme = SCHEMES[match[1].toLowerCase()];
  if (!scheme)
    throw new Error(
      `has an unknown scheme: use ${Object.keys(SCHEMES)
        .map((s) => `${s}://`)
        .join(", ")}`,
    );
  const authority = match[2].replace(/\/$/, "");
  if (authority.includes("@")) throw new Error("contains a user name or password: remove everything up to the @");
  if (/[?#]/.test(authority)) throw new Error("contains a query or fragment: give scheme, host and port only");
  if (authority.includes("/"))
    throw new Error("contains a path: give scheme, host and port only; requests keep their own path");

  const parts = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(authority);
  if (!parts) throw new Error("is not host:port; an IPv6 address needs brackets: http://[::1]:8001");
  const hostname = parseHost(parts[1]);
  const [, , portText] = parts;
  const name = match[1].toLowerCase();
  if (scheme.kind === "srv") {
    if (portText !== undefined) throw new Error("has a port: SRV records carry their own, leave it out");
    if (!isHostName(hostname)) throw new Error(`must name an SRV record: ${name}://_http._tcp.example.com`);
    return { url: `${name}://${hostname}`, kind: "srv", hostname, port: 0, tls: scheme.tls, weight: 1, capacity: null };
  }
  const port = portText === undefined ? scheme.port : parsePort(portText);
  const shown = hostname.includes(":") ? `[${hostname}]` : hostname;
  const url = `${name}://${shown}:${port}`;
  return { url, kind: "host", hostname, port, tls: scheme.tls, weight: 1, capacity: null };
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
  return text.toLowerCase().replace(/\.$/, "");
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65535) throw new Error(`has a wrong port "${text}": it must be a number from 1 to 65535`);
  return port;
}
