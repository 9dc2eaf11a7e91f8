/** Tells alerts of TLS from other errors of sockets. */

/** Whether the peer ended TLS by an alert (RFC 8446 section 6.2): the runtime has no code of its own for that. */
export function isAlert(error: Error | null | undefined): boolean {
  return (
    (error as NodeJS.ErrnoException | undefined)?.code === "EPROTO" && /\bALERT_|_ALERT_/.test(error?.message ?? "")
  );
}

/** Whether that alert is `no_application_protocol` (RFC 7301 section 3.2). */
export function isProtocolAlert(error: Error): boolean {
  return error.message.includes("ALERT_NO_APPLICATION_PROTOCOL");
}
