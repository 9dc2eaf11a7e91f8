/** Loopback addresses of servers. */

/** The address of the server with this number, from 0 on: 127.1.0.1, 127.1.0.2, … */
export function serverAddress(index: number): string {
  return `127.1.${Math.floor(index / 250)}.${(index % 250) + 1}`;
}
