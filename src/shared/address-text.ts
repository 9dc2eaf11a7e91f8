/** An address with its port, as URLs and logs have it. */

/** `10.0.0.1:80`, `[::1]:80`. */
export function addressText(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
