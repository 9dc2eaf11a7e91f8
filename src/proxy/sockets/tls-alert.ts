/** Tells alerts of TLS from other errors of sockets. */

/** Whether the peer ended TLS by an alert (RFC 8446 section 6.2): the runtime has no code of its own for that. */
export function isAlert(error: Error | null | undefined): boolean {
  return (
    (error as NodeJS.ErrnoException | undefined)?.code === "EPROTO" && /\bALERT_|_ALERT_/.test(error?.message ?? "")
  );
}
