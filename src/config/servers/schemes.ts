/** The schemes that an entry of `SERVERS` may begin with: how the rest of it is written, and who knows its addresses. */
import ipaddr from "ipaddr.js";
import { nameOf, parseKubernetesService, textOf } from "../../shared/addresses/kubernetes-service.ts";
import type { ServerSpec } from "../../shared/server-spec.ts";
import { isHostName, isIpv4, isIpv6 } from "../values/addresses.ts";

/** Where the addresses of an entry come from. */
type Place = Pick<ServerSpec, "host" | "port"> & {
  readonly source: string;
  /** How it is written behind the scheme, where that is not host and port. */
  readonly written?: string;
};

interface ServerScheme {
  /** How the servers are spoken to. */
  readonly protocol: ServerSpec["scheme"];
  /** Reads what follows `scheme://`; throws an `Error` that goes on from the entry: `has a wrong port`. */
  readonly read: (rest: string, scheme: string) => Place;
}

/** By scheme, in the order in which they are told to people. */
export const SERVER_SCHEMES = {
  http: { protocol: "http", read: (rest: string) => readHostAndPort(rest, 80) },
  https: { protocol: "https", read: (rest: string) => readHostAndPort(rest, 443) },
  h2: { protocol: "h2", read: (rest: string) => readHostAndPort(rest, 443) },
  h2c: { protocol: "h2c", read: (rest: string) => readHostAndPort(rest, 80) },
  "dns+srv": { protocol: "http", read: readSrvName },
  "dns+srv+https": { protocol: "https", read: readSrvName },
  "dns+srv+h2": { protocol: "h2", read: readSrvName },
  "dns+srv+h2c": { protocol: "h2c", read: readSrvName },
  k8s: { protocol: "http", read: readKubernetesService },
  "k8s+https": { protocol: "https", read: readKubernetesService },
  "k8s+h2": { protocol: "h2", read: readKubernetesService },
  "k8s+h2c": { protocol: "h2c", read: readKubernetesService },
} as const satisfies Readonly<Record<string, ServerScheme>>;

/** What people are told of them: each is in it. */
export const SERVERS_DOC =
  "Your servers: URLs such as http://10.0.0.5:3000 or https://app.internal, separated by commas. h2:// is HTTP/2 over TLS, h2c:// without, as gRPC servers want it. All addresses of a name are used; dns+srv://_http._tcp.example.com reads an SRV record (dns+srv+https:// for TLS, dns+srv+h2:// and dns+srv+h2c:// for HTTP/2), k8s://namespace/service:port the endpoints of a service of Kubernetes ([docs/kubernetes.md](kubernetes.md); with k8s+https://, k8s+h2:// and k8s+h2c:// likewise).";

/** Who knows addresses: each has a source in control/discovery/sources/. */
export type SourceKind = ReturnType<(typeof SERVER_SCHEMES)[keyof typeof SERVER_SCHEMES]["read"]>["source"];

/** The scheme that is written so; `undefined` = there is none. */
export function serverScheme(name: string): ServerScheme | undefined {
  return Object.hasOwn(SERVER_SCHEMES, name) ? SERVER_SCHEMES[name as keyof typeof SERVER_SCHEMES] : undefined;
}

function readHostAndPort(rest: string, defaultPort: number): Place & { readonly source: "static" | "names" } {
  const { host, portText } = split(rest);
  const port = portText === undefined ? defaultPort : parsePort(portText);
  return { source: isIpv4(host) || isIpv6(host) ? "static" : "names", host, port };
}

function readSrvName(rest: string, scheme: string): Place & { readonly source: "srv" } {
  const { host, portText } = split(rest);
  if (portText !== undefined) throw new Error("has a port: SRV records carry their own, leave it out");
  if (!isHostName(host)) throw new Error(`must name an SRV record: ${scheme}://_http._tcp.example.com`);
  return { source: "srv", host, port: 0 };
}

function readKubernetesService(rest: string): Place & { readonly source: "kubernetes" } {
  const service = parseKubernetesService(rest);
  return { source: "kubernetes", host: nameOf(service), port: 0, written: textOf(service) };
}

/** Host and port, and nothing behind them but a slash. */
function split(rest: string): { readonly host: string; readonly portText: string | undefined } {
  const authority = rest.replace(/\/$/, "");
  if (/[?#]/.test(authority)) throw new Error("contains a query or fragment: give scheme, host and port only");
  if (authority.includes("/"))
    throw new Error("contains a path: give scheme, host and port only; requests keep their own path");
  if (!authority.includes("[") && authority.indexOf(":") !== authority.lastIndexOf(":")) {
    throw new Error("has more than one colon: an IPv6 address needs brackets, as in http://[::1]:8001");
  }
  const parts = /^(\[[^\]]*\]|[^:[\]]*)(?::(.*))?$/.exec(authority);
  if (!parts) throw new Error("is not host:port, nor [IPv6 address]:port");
  return { host: parseHost(parts[1]), portText: parts[2] };
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
