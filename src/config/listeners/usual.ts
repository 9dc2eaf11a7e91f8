/** Where clients are listened for when the file has no `listeners`. */
import type { ListenerSpec } from "../../protocol/worker.ts";
import type { Sections } from "../schema.ts";

/** One for plain HTTP and, if it is asked for, one for TLS. */
export function usualListeners({
  app,
  tls,
}: {
  readonly app: Pick<Sections["app"], "host" | "port">;
  readonly tls: Pick<Sections["tls"], "port">;
}): readonly ListenerSpec[] {
  const plain = { host: app.host, port: app.port, tls: false };
  return tls.port === null ? [plain] : [plain, { host: app.host, port: tls.port, tls: true }];
}
