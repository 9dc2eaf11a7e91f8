/** Settings that a reload cannot change: sockets, which clients hold on to. */
import type { ProxySettings } from "../../shared/protocol.ts";

/** The new settings with what needs a restart left as it was, and the names of what that is. */
export interface PinnedSettings {
  readonly settings: ProxySettings;
  readonly needRestart: string[];
}

/** Keeps of `running` what only a restart can change, and takes the rest of `wanted`. */
export function pinSettings(running: ProxySettings, wanted: ProxySettings): PinnedSettings {
  const needRestart: string[] = [];
  if (wanted.host !== running.host) needRestart.push("APP_HOST");
  if (wanted.port !== running.port) needRestart.push("APP_PORT");
  if (wanted.nativeSockets !== running.nativeSockets) needRestart.push("NATIVE_SOCKETS");
  if (wanted.tls?.port !== running.tls?.port) needRestart.push("TLS_PORT");
  const tls =
    running.tls !== null && wanted.tls !== null
      ? { ...running.tls, certificates: wanted.tls.certificates }
      : running.tls;
  return {
    settings: { ...wanted, host: running.host, port: running.port, nativeSockets: running.nativeSockets, tls },
    needRestart,
  };
}
