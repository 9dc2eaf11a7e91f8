/** What a server is called in requests that name no host. */
import type { Endpoint } from "../../protocol/endpoint.ts";

/** `Host` for it: its name in its URL, and its port unless that is the scheme's. */
export function hostOf({ url, tls }: Endpoint): Buffer {
  // Of schemes that it knows, the URL leaves the port out that they have anyway.
  const { host } = new URL(url.replace(/^[^:]+:/, tls ? "https:" : "http:"));
  // As for checks and TLS: the dot that makes a name complete is for the resolver, virtual hosts have none.
  return Buffer.from(host.replace(/\.(?=:|$)/, ""), "latin1");
}
