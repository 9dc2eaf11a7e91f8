/** What the file says of a listener. */
import { field, type ReadOf, struct, value } from "../shapes/shape.ts";
import { listenHost } from "../values/addresses.ts";
import { oneOf, port, toggle } from "../values/value-types.ts";
import { ACCESS_LISTS } from "./access-lists.ts";

/** One listener. */
export const LISTENER = struct({
  address: field(
    "Address to listen on; `::` is IPv6 and IPv4. Not there means APP_HOST.",
    value(listenHost),
    "0.0.0.0",
  ),
  port: field("Port. 0 takes any free port.", value(port(0)), "8080"),
  tls: field(
    "Whether clients speak HTTPS here, with the certificates of TLS_CERT_FILE and ACME_DOMAINS.",
    value(toggle),
    "off",
  ),
  client_auth: field(
    "Whether clients show certificates here: off, request or require. Not there means TLS_CLIENT_AUTH.",
    value(oneOf(["off", "request", "require"])),
    "off",
  ),
  proxy_protocol: field(
    "Whether trusted proxies say here whose connections they make. Not there means PROXY_PROTOCOL.",
    value(toggle),
    "off",
  ),
  http2: field("Whether clients may speak HTTP/2 here. Not there means HTTP2.", value(toggle), "on"),
  clients: field(
    "Who is served here, of the clients that CLIENTS_ALLOW and CLIENTS_DENY let in.",
    ACCESS_LISTS,
    "{deny: [192.0.2.0/24]}",
  ),
});

/** A listener as it was read. */
export type ListenerBlock = ReadOf<typeof LISTENER>;
