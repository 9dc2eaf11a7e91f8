/** Where an API server of Kubernetes is. */
import type { ValueType } from "../setting.ts";
import { isHostName, isIpv4, isIpv6 } from "./addresses.ts";
import { valueType } from "./value-types.ts";

/** Scheme, host and port. */
export const apiServerUrl: ValueType<string> = valueType("http(s):// URL", (text) => {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isPlain = url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "";
  if (!isPlain || url.search !== "" || url.hash !== "") {
    throw new Error("must be a URL such as https://10.0.0.1:6443, without user names, queries and fragments");
  }
  return url.href.replace(/\/+$/, "");
});

/** As Kubernetes writes it: IPv6 without brackets. */
export const apiServerHost: ValueType<string> = valueType("address or host name", (text) => {
  if (isIpv4(text) || isIpv6(text) || isHostName(text)) return text;
  throw new Error('must be an address or a host name (no port, no "https://")');
});
