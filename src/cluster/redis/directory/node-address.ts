/** Addresses as servers of Redis tell them of each other. */

/** host:port, IPv6 in brackets; `null` = it cannot be one. */
export function nodeAddress(host: unknown, port: unknown): string | null {
  if (typeof host !== "string" || !/^[\w.:-]{1,253}$/.test(host)) return null;
  if (!Number.isInteger(port) || (port as number) < 1 || (port as number) > 65_535) return null;
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
