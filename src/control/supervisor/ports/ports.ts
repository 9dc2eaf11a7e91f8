/** Looks whether the ports are free before the workers share them. */
import type { ProxySettings } from "../../../protocol/worker.ts";
import { listenersOn } from "../../port-listeners.ts";
import { type NamedListener, namedListeners } from "../listening.ts";

/**
 * Throws an `Error` for the operator when a port cannot be listened on. Workers listen with `reusePort`, with which they
 * would silently take half of the connections of whoever of this user does so, too: so this asks for the port alone.
 * @param shared ports of the instance whose place this one takes: they cannot be free.
 */
export function checkPorts(settings: ProxySettings, shared: ReadonlySet<number> = new Set()): void {
  for (const named of namedListeners(settings)) if (!shared.has(named.listener.port)) checkPort(named);
}

function checkPort({ hostSetting, portSetting, listener: { host: hostname, port } }: NamedListener): void {
  if (port === 0) return;
  try {
    Bun.listen({ hostname, port, exclusive: true, socket: { data() {} } }).stop(true);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const reasons: Record<string, string> = {
      EADDRINUSE: `it is in use by another process${listenersOn(port)}; stop that one, or choose another port`,
      EACCES: "this user may not (ports below 1024 need a privilege: CAP_NET_BIND_SERVICE)",
      EADDRNOTAVAIL: "this machine does not have that address",
    };
    const why = reasons[code ?? ""] ?? message;
    throw new Error(`cannot listen on ${hostSetting}=${hostname} ${portSetting}=${port}: ${why}`, { cause });
  }
}
