/** What the file says of a listener. */
import { field, type ReadOf, struct, value } from "../shapes/shape.ts";
import { listenHost } from "../values/addresses.ts";
import { port, toggle } from "../values/value-types.ts";

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
});

/** A listener as it was read. */
export type ListenerBlock = ReadOf<typeof LISTENER>;
