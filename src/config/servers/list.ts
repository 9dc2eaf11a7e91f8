/** Reads `SERVERS`: comma-separated URLs of servers, or of DNS records that name them. */
import type { ServerSpec } from "../../shared/server-spec.ts";
import type { ValueType } from "../setting.ts";
import { Complaints, valueType } from "../values/value-types.ts";
import { SERVER_SCHEMES, serverScheme } from "./schemes.ts";

/** The capacity that is shown, and that a model sees, for a server with none configured. */
export const DEFAULT_CAPACITY = 10;

/** The most servers that a pool may name: more than an instance has room for, because each may use a part of them. */
export const MAX_NAMED_SERVERS = 8_192;

const UNWEIGHTED = { weight: 1, capacity: DEFAULT_CAPACITY, hardLimit: 0, zone: null, backup: false } as const;

/** The value type of `SERVERS`. */
export const serverList: ValueType<readonly ServerSpec[]> = valueType("URLs, comma-separated", parseServerList, {
  kind: "servers",
});

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
      const key = server.source === "kubernetes" ? afterScheme(server.url) : `${server.host}:${server.port}`;
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
  if (servers.length > MAX_NAMED_SERVERS) {
    complaints.push(`names ${servers.length} servers; the most is ${MAX_NAMED_SERVERS}`);
  }
  if (complaints.length > 0) throw new Complaints(complaints);
  return servers;
}

function parseServer(entry: string): ServerSpec {
  if (/\s/.test(entry)) throw new Error("contains a space: separate servers by commas");
  if (entry.includes(";")) throw new Error('contains a ";": separate servers by commas');
  if (/^unix:/i.test(entry)) throw new Error("is a Unix socket: servers are reached over TCP alone");
  const match = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/i.exec(entry);
  if (!match) throw new Error(`has no scheme: write http://${entry}`);
  const name = match[1].toLowerCase();
  const scheme = serverScheme(name);
  if (scheme === undefined) {
    const valid = Object.keys(SERVER_SCHEMES).map((known) => `${known}://`);
    const hint = /^grpcs?$/.test(name) ? "; servers of gRPC are h2c://, or h2:// with TLS" : "";
    throw new Error(`has an unknown scheme: use ${valid.join(", ")}${hint}`);
  }
  const { source, host, port, written = authority(host, port) } = scheme.read(match[2], name);
  const url = `${name}://${written}`;
  return { url, scheme: scheme.protocol, source, host, port, ...UNWEIGHTED };
}

function authority(host: string, port: number): string {
  return `${host.includes(":") ? `[${host}]` : host}${port === 0 ? "" : `:${port}`}`;
}

function afterScheme(url: string): string {
  return url.slice(url.indexOf("://") + 3);
}
