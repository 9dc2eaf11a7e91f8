/** Writes headers of the PROXY protocol (HAProxy, proxy-protocol.txt), which tell a server whose connection it has. Pure. */
import ipaddr from "ipaddr.js";
import { Command, Family, HEAD_BYTES, SIGNATURE } from "./wire.ts";

/** Which header servers are sent. */
export type ProxyProtocolVersion = "v1" | "v2";

/**
 * The header of a connection to `destination`.
 * @param source the client's address; "" or what is no address = the connection is our own: `LOCAL`, or `UNKNOWN` of version 1.
 * @param port the server's. The client's is 0: a connection serves all that one client asks for, from whichever port.
 */
export function proxyHeader(version: ProxyProtocolVersion, source: string, destination: string, port: number): Buffer {
  if (!ipaddr.isValid(source)) return version === "v1" ? Buffer.from("PROXY UNKNOWN\r\n") : binary(Command.LOCAL, []);
  const from = ipaddr.process(source);
  const known = ipaddr.isValid(destination) ? ipaddr.process(destination) : null;
  // Both have to be of one family: the client's, which is what this is about.
  const to = inFamilyOf(from, known);
  if (version === "v1") {
    const family = from.kind() === "ipv4" ? "TCP4" : "TCP6";
    return Buffer.from(`PROXY ${family} ${from.toString()} ${to.toString()} 0 ${port}\r\n`);
  }
  return binary(Command.PROXY, [...from.toByteArray(), ...to.toByteArray(), 0, 0, port >> 8, port & 0xff]);
}

type Address = ipaddr.IPv4 | ipaddr.IPv6;

function inFamilyOf(from: Address, to: Address | null): Address {
  if (from.kind() === "ipv4") return to?.kind() === "ipv4" ? to : ipaddr.parse("0.0.0.0");
  if (to === null) return ipaddr.parse("::");
  return to.kind() === "ipv6" ? to : (to as ipaddr.IPv4).toIPv4MappedAddress();
}

function binary(command: number, addresses: readonly number[]): Buffer {
  const header = Buffer.alloc(HEAD_BYTES + addresses.length);
  header.set(SIGNATURE);
  header[12] = command;
  header[13] = addresses.length === 0 ? Family.UNSPECIFIED : addresses.length === 12 ? Family.TCP4 : Family.TCP6;
  header.writeUInt16BE(addresses.length, 14);
  header.set(addresses, HEAD_BYTES);
  return header;
}
