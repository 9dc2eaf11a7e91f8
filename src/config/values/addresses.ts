/** Value types for names and addresses. */
import ipaddr from "ipaddr.js";
import type { ValueType } from "../setting.ts";
import { Complaints, valueType } from "./value-types.ts";

const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i;

/** True for a host name (RFC 1123, underscores tolerated as containers use them) of at most 253 characters. */
export function isHostName(name: string): boolean {
  const labels = name.replace(/\.$/, "").split(".");
  if (name.length > 253 || !labels.every((label) => LABEL.test(label))) return false;
  return !/^\d+$/.test(labels[labels.length - 1]); // else it is meant as an IPv4 address, and a wrong one
}

/** True for an IPv4 address in four decimal parts. */
export function isIpv4(address: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(address);
}

/** True for an IPv6 address without brackets and without a zone. */
export function isIpv6(address: string): boolean {
  return address.includes(":") && !address.includes("%") && ipaddr.IPv6.isValid(address);
}

/** True for an address that only this machine reaches. */
export function isLoopback(host: string): boolean {
  if (host === "localhost") return true;
  return ipaddr.isValid(host) && ipaddr.process(host).range() === "loopback";
}

/** True for a URL that leads to this machine itself. */
export function isLoopbackUrl({ hostname }: URL): boolean {
  return isLoopback(hostname.replace(/^\[|\]$/g, ""));
}

/** An address or name to listen on. IPv6 with or without brackets; the value has none. */
export const listenHost: ValueType<string> = valueType("address or host name", (text) => {
  const bare = text.replace(/^\[(.*)\]$/, "$1");
  if (isIpv6(bare) || isIpv4(bare) || isHostName(bare)) return bare;
  throw new Error(
    'must be an address to listen on, such as 0.0.0.0, 127.0.0.1, :: or localhost (no port, no "http://")',
  );
});

/** A host's name, as certificates have it. */
export const hostName: ValueType<string> = valueType("host name", (text) => {
  if (isHostName(text)) return text.toLowerCase();
  throw new Error('must be a host name, such as app.internal (no port, no "https://")');
});

/** An address or a CIDR range; the value is in canonical CIDR form, host bits cleared. */
export const cidr: ValueType<string> = valueType("address or CIDR range", (text) => {
  const range = parseRange(text);
  if (range === null) throw new Error("must be an address or a CIDR range, such as 10.0.0.0/8, 192.0.2.7 or fd00::/8");
  return range;
});

/** `host:port`, or a host alone; the value has both, IPv6 in brackets. @param usual the port where none is said. */
export function hostAndPort(usual: number): ValueType<string> {
  return valueType("host:port", (text) => {
    const match = /^(\[[^\]]+\]|[^:\s]+)(?::(\d{1,5}))?$/.exec(text);
    const host = match?.[1].replace(/^\[(.*)\]$/, "$1") ?? "";
    const port = Number(match?.[2] ?? usual);
    if (port < 1 || port > 65_535 || !(isIpv6(host) || isIpv4(host) || isHostName(host))) {
      throw new Error(`must be a host and a port, such as redis.internal:${usual} (no "redis://")`);
    }
    return `${host.includes(":") ? `[${host}]` : host}:${port}`;
  });
}

/** Comma-separated `host:port`, or hosts alone; the values have both. @param usual the port where none is said. */
export function hostsAndPorts(usual: number): ValueType<readonly string[]> {
  const one = hostAndPort(usual).schema;
  const parse = (list: string): readonly string[] => {
    const found = list.split(",").map((entry) => one.safeParse(entry));
    const wrong = found.findIndex(({ success }) => !success);
    if (wrong < 0) return [...new Set(found.map(({ data }) => data!))];
    throw new Error(`entry ${wrong + 1} must be a host and a port, such as redis-1.internal:${usual} (no "redis://")`);
  };
  return valueType("host:port, comma-separated", parse, { kind: "list" });
}

/** Comma-separated names of hosts, without ports; the value is in lower case. */
export const hostNames: ValueType<readonly string[]> = valueType(
  "host names, comma-separated",
  (text) => {
    const names = text.split(",").map((entry) => entry.trim().toLowerCase());
    const wrong = names.findIndex((name) => !isHostName(name));
    if (wrong < 0) return names;
    throw new Error(`entry ${wrong + 1} must be a host name, such as balancer.internal (no port, no "https://")`);
  },
  { kind: "list" },
);

/** Comma-separated addresses and CIDR ranges; the value is in canonical CIDR form, host bits cleared. */
export const cidrList: ValueType<readonly string[]> = valueType(
  "addresses and CIDR ranges, comma-separated",
  (text) => {
    const complaints: string[] = [];
    const ranges = new Set<string>();
    for (const [index, entry] of text.split(",").entries()) {
      const range = parseRange(entry.trim());
      if (range === null) {
        complaints.push(
          `entry ${index + 1} "${entry.trim()}" must be an address or a CIDR range, such as 10.0.0.0/8, 192.0.2.7 or fd00::/8${
            entry.trim() === "*" ? ' (for "everyone" write 0.0.0.0/0,::/0)' : ""
          }`,
        );
      } else ranges.add(range);
    }
    if (complaints.length > 0) throw new Complaints(complaints);
    return [...ranges];
  },
  { kind: "list" },
);

/** An address or a CIDR range in canonical form, host bits cleared; `null` when it is neither. */
export function parseRange(text: string): string | null {
  const [address, bits, ...rest] = text.split("/");
  if (rest.length > 0 || (bits !== undefined && !/^\d{1,3}$/.test(bits))) return null;
  if (isIpv4(address)) {
    const length = bits === undefined ? 32 : Number(bits);
    if (length > 32) return null;
    return `${ipaddr.IPv4.networkAddressFromCIDR(`${address}/${length}`).toString()}/${length}`;
  }
  if (isIpv6(address)) {
    const length = bits === undefined ? 128 : Number(bits);
    if (length > 128) return null;
    return `${ipaddr.IPv6.networkAddressFromCIDR(`${address}/${length}`).toString()}/${length}`;
  }
  return null;
}
