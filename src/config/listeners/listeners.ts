/** From what the file says of listeners to where clients are listened for. */
import type { ListenerSpec } from "../../protocol/worker.ts";
import type { Draft } from "../read-settings.ts";
import { SECTIONS, type Sections } from "../schema.ts";
import type { ShapeFindings } from "../shapes/findings.ts";
import type { Several } from "../shapes/shape.ts";
import { complain, type Variable } from "../sources/variable.ts";
import { readAccessLists } from "./access-lists.ts";
import type { ListenerBlock } from "./shape.ts";

/** Settings that the file's listeners take the place of. */
const REPLACED = [SECTIONS.app.settings.port.env, SECTIONS.tls.settings.port.env];

/** Those of the file. */
export function readListeners(
  { entries, written, ...list }: Several<ListenerBlock>,
  variables: ReadonlyMap<string, Variable>,
  { app }: Pick<Draft<keyof Sections>, "app">,
  findings: ShapeFindings,
): readonly ListenerSpec[] {
  for (const name of REPLACED) {
    const variable = variables.get(name);
    if (variable === undefined) continue;
    findings.problems.push(
      complain(
        variable,
        `is set beside listeners (${list.place}), which say all that is listened on: remove one of them`,
      ),
    );
  }
  if (written === 0) findings.problem(list, "has no entries, so nobody could connect: remove it, or add one");
  const listeners: ListenerSpec[] = [];
  for (const entry of entries) {
    const { address, port, tls, client_auth: clientAuth, proxy_protocol: proxyProtocol, http2, clients } = entry.fields;
    const host = address?.value ?? (app.host as string | undefined);
    if (!entry.said.has("port"))
      findings.problem(entry, "has no port: write one, such as port: 8080 (0 takes any free one)");
    if (port === undefined || host === undefined) continue;
    if (clientAuth !== undefined && clientAuth.value !== "off" && tls?.value !== true)
      findings.problem(clientAuth, "needs tls: on: certificates are a part of TLS");
    const listener = {
      host,
      port: port.value,
      tls: tls?.value ?? false,
      ...(clientAuth && { clientAuth: clientAuth.value }),
      ...(proxyProtocol && { proxyProtocol: proxyProtocol.value }),
      ...(http2 && { http2: http2.value }),
      ...(clients && { clients: readAccessLists(clients, findings) }),
    };
    const other = listeners.findIndex(
      (one) => one.port === listener.port && port.value !== 0 && overlap(one.host, host),
    );
    if (other >= 0)
      findings.problem(entry, `wants the port of listeners[${other}] on the same address: choose another`);
    listeners.push(listener);
  }
  return listeners;
}

/** Whether two addresses cannot both have a port. `::` is IPv4 as well. */
export function overlap(a: string, b: string): boolean {
  if (a === b || a === "::" || b === "::") return true;
  return (a === "0.0.0.0" && !b.includes(":")) || (b === "0.0.0.0" && !a.includes(":"));
}
