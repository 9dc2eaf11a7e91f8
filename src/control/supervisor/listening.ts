/** Where the instance listens for its clients, as people are told of it. */
import { isDeepStrictEqual } from "node:util";
import { usualListeners } from "../../config/listeners/usual.ts";
import type { ListenerSpec, ProxySettings } from "../../protocol/worker.ts";

/** How a listener is called in a sentence: by the settings that make it, or as the file has it. */
export interface NamedListener {
  readonly listener: ListenerSpec;
  readonly hostSetting: string;
  readonly portSetting: string;
}

/** The listeners with their names. */
export function namedListeners({ listeners, host, port, tls }: ProxySettings): NamedListener[] {
  const usual = usualListeners({ app: { host, port }, tls: { port: tls?.port ?? null } });
  if (isDeepStrictEqual(listeners, usual)) {
    return listeners.map((listener) => ({
      listener,
      hostSetting: "APP_HOST",
      portSetting: listener.tls ? "TLS_PORT" : "APP_PORT",
    }));
  }
  return listeners.map((listener, index) => ({
    listener,
    hostSetting: `listeners[${index}].address`,
    portSetting: `listeners[${index}].port`,
  }));
}

/** The first port for plain HTTP, and the first for TLS; 0 = there is none. */
export function firstPorts(listeners: readonly ListenerSpec[]): { readonly port: number; readonly tlsPort: number } {
  return {
    port: listeners.find(({ tls }) => !tls)?.port ?? 0,
    tlsPort: listeners.find(({ tls }) => tls)?.port ?? 0,
  };
}

/** Fields of a log line, and how a sentence goes on that says who listens. */
export function describeListeners(listeners: readonly ListenerSpec[]): {
  readonly fields: object;
  readonly where: string;
} {
  const { port, tlsPort } = firstPorts(listeners);
  const usual =
    port > 0 && listeners.length === (tlsPort > 0 ? 2 : 1) && listeners.every((one) => one.host === listeners[0].host);
  const fields = {
    host: listeners[0].host,
    port: port || undefined,
    tls_port: tlsPort || undefined,
    listeners: usual ? undefined : listeners.map(addressOf),
  };
  const where = usual ? `on port ${port}` : `on ${listeners.map(addressOf).join(", ")}`;
  return { fields, where };
}

function addressOf({ host, port, tls }: ListenerSpec): string {
  return `${tls ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
