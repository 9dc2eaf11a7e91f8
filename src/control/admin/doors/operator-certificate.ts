/** The certificate that whoever comes to the admin port has shown, where the port asks for one. */
import type { TLSSocket } from "node:tls";

/**
 * Its subject, as logs have it; `null` = none that is believed. The runtime refuses what it cannot verify; that is looked at
 * again, for a door must not depend on one look. And a session that is resumed is as good as its certificate was when it began,
 * for as long as the runtime remembers it, whereas a certificate that has expired meanwhile is good for nothing.
 * @param wallMs now, milliseconds since the epoch.
 */
export function subjectOf(socket: TLSSocket, wallMs: number): string | null {
  if (!socket.authorized || socket.authorizationError) return null;
  const { subject, valid_from, valid_to } = socket.getPeerCertificate();
  if (subject === undefined || subject === null || !isWithin(valid_from, valid_to, wallMs)) return null;
  const parts = Object.entries(subject).map(([name, value]) => `${name}=${[value].flat().join("+")}`);
  return parts.length === 0 ? null : printable(parts.join(","));
}

/** What is no date has neither begun nor not ended. */
function isWithin(from: string, to: string, wallMs: number): boolean {
  return Date.parse(from) <= wallMs && wallMs <= Date.parse(to);
}

/** It goes into logs: what is not plain is not worth telling. */
function printable(subject: string): string {
  return subject.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 200);
}
