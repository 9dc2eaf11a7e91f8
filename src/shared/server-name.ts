/** What history calls a server: by what was configured, whatever address that means just now. */

/** What its name is made of. */
export interface NameableServer {
  /** As configured; IPv6 without brackets. */
  readonly hostname: string;
  /** Where it is reached. */
  readonly address: string;
  readonly port: number;
}

/** `host:port`, IPv6 in brackets; and the address, which is empty where it says nothing more. */
export function historyName({ hostname, address, port }: NameableServer): {
  readonly server: string;
  readonly address: string;
} {
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  return { server: `${host}:${port}`, address: address === hostname ? "" : address };
}
