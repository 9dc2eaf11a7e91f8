/**
 * Tells the service manager that started this process what it is at (sd_notify(3)): one datagram of lines to the Unix socket that
 * NOTIFY_SOCKET names. The runtime has no such sockets, hence the system calls.
 */
import { dlopen, type FFIFunction } from "bun:ffi";

const FUNCTIONS = {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  sendto: { args: ["i32", "ptr", "u64", "i32", "ptr", "u32"], returns: "i64" },
  close: { args: ["i32"], returns: "i32" },
} as const satisfies Record<string, FFIFunction>;
const LIBRARIES = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0x80000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const PATH_BYTES = 108;

/** Tells it lines such as `READY=1`. Never throws. */
export type Notify = (...lines: readonly string[]) => void;

/**
 * @param socket NOTIFY_SOCKET: a path, or behind `@` a name; nothing is told where there is none.
 * @param onTrouble is told once why nothing reaches it.
 */
export function notifierOf(socket: string | undefined, onTrouble: (why: string) => void): Notify {
  if (socket === undefined || socket === "") return () => {};
  let said = false;
  return (...lines) => {
    try {
      send(addressOf(socket), Buffer.from(`${lines.join("\n")}\n`));
    } catch (error) {
      if (!said) onTrouble((error as Error).message);
      said = true;
    }
  };
}

function send(address: Uint8Array, text: Uint8Array): void {
  const call = open();
  const fd = call.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw new Error("there is no socket to be had");
  try {
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    const sent = Number(call.sendto(fd, text, text.length, flags, address, address.length));
    if (sent !== text.length) throw new Error("nobody takes what is sent to NOTIFY_SOCKET");
  } finally {
    call.close(fd);
  }
}

function open() {
  for (const name of LIBRARIES) {
    try {
      return dlopen(name, FUNCTIONS).symbols;
    } catch {
      // The next one, or none.
    }
  }
  throw new Error("there is no C library that is known here");
}

/** unix(7): a path, or in the abstract namespace a name behind a zero byte. */
function addressOf(socket: string): Uint8Array {
  const name = Buffer.from(socket.startsWith("@") ? `\0${socket.slice(1)}` : socket);
  if (!/^[@/]/.test(socket) || name.length >= PATH_BYTES)
    throw new Error("NOTIFY_SOCKET is no address of a Unix socket");
  const bytes = new Uint8Array(2 + name.length);
  new DataView(bytes.buffer).setUint16(0, AF_UNIX, true);
  bytes.set(name, 2);
  return bytes;
}
