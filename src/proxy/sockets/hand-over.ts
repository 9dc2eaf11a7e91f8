/**
 * How listening sockets pass from a worker to one of the instance that takes its place: over a Unix socket in the directory of
 * the former (SCM_RIGHTS, unix(7)). They are the same sockets in both processes, with one queue of clients that wait to be
 * accepted, so none of these is lost when the former closes its own descriptors. Only processes of the same user get there.
 */
import { rmSync } from "node:fs";
import { Kernel, Libc, pointerTo, systemError } from "./libc.ts";

/** A listening socket, and where it listens as the settings say it. */
export interface HandedSocket {
  readonly host: string;
  readonly port: number;
  readonly fd: number;
}

/** Sizes and places on 64-bit systems, of glibc and musl alike: `struct msghdr`, `struct cmsghdr`, `struct sockaddr_un`. */
const MESSAGE_BYTES = 56;
const MESSAGE = { IOV: 16, IOV_COUNT: 24, CONTROL: 32, CONTROL_BYTES: 40 } as const;
const CONTROL_HEAD_BYTES = 16;
const UNIX_PATH_BYTES = 108;
/** SCM_MAX_FD: the kernel passes no more at once. */
const MAX_DESCRIPTORS = 253;
const MAX_TEXT_BYTES = 65_536;
/** A worker that has much to do comes to it a little later; one that hangs is not waited for. */
const PATIENCE_SECONDS = 2n;

/**
 * Gives whoever asks what `sockets` says at that moment. Throws an `Error` where the system cannot do it.
 * @param path of the Unix socket; one that a dead worker has left is replaced.
 */
export function offerSockets(path: string, sockets: () => readonly HandedSocket[]): void {
  const libc = new Libc();
  rmSync(path, { force: true });
  Bun.listen({
    unix: path,
    socket: {
      open(socket) {
        // The types do not have it.
        const { fd = -1 } = socket as { readonly fd?: number };
        send(libc, fd, sockets().slice(0, MAX_DESCRIPTORS));
        socket.end();
      },
      data() {},
    },
  });
}

/**
 * Asks for the sockets that are offered at `path`, which takes two seconds at most, and nothing else is done meanwhile.
 * Throws an `Error` when nobody offers any, or not in time.
 */
export function takeSockets(path: string): HandedSocket[] {
  const libc = new Libc();
  const { call } = libc;
  const fd = call.socket(Kernel.AF_UNIX, Kernel.SOCK_STREAM | Kernel.SOCK_CLOEXEC, 0);
  if (fd < 0) throw systemError("socket", libc.errno);
  try {
    const patience = new BigInt64Array([PATIENCE_SECONDS, 0n]);
    call.setsockopt(fd, Kernel.SOL_SOCKET, Kernel.SO_SNDTIMEO, patience, patience.byteLength);
    call.setsockopt(fd, Kernel.SOL_SOCKET, Kernel.SO_RCVTIMEO, patience, patience.byteLength);
    const address = unixAddress(path);
    if (call.connect(fd, address, address.length) < 0) throw systemError("connect", libc.errno);
    return receive(libc, fd);
  } finally {
    call.close(fd);
  }
}

function send(libc: Libc, to: number, sockets: readonly HandedSocket[]): void {
  const text = Buffer.from(JSON.stringify(sockets.map(({ host, port }) => ({ host, port }))));
  const control = new Uint8Array(controlSpace(sockets.length));
  const view = new DataView(control.buffer);
  view.setBigUint64(0, BigInt(CONTROL_HEAD_BYTES + 4 * sockets.length), true);
  view.setInt32(8, Kernel.SOL_SOCKET, true);
  view.setInt32(12, Kernel.SCM_RIGHTS, true);
  for (const [i, { fd }] of sockets.entries()) view.setInt32(CONTROL_HEAD_BYTES + 4 * i, fd, true);
  const message = new Message(text, sockets.length === 0 ? null : control);
  // Who has gone meanwhile, or takes nothing, gets nothing.
  libc.call.sendmsg(to, message.bytes, Kernel.MSG_NOSIGNAL | Kernel.MSG_DONTWAIT);
}

function receive(libc: Libc, from: number): HandedSocket[] {
  const text = Buffer.alloc(MAX_TEXT_BYTES);
  const message = new Message(text, new Uint8Array(controlSpace(MAX_DESCRIPTORS)));
  const length = libc.call.recvmsg(from, message.bytes, Kernel.MSG_CMSG_CLOEXEC);
  if (length < 0) throw systemError("recvmsg", libc.errno);
  const descriptors = message.descriptors();
  try {
    const places = JSON.parse(text.toString("utf8", 0, length)) as { readonly host: string; readonly port: number }[];
    if (places.length !== descriptors.length) throw new Error("not every socket came");
    return places.map(({ host, port }, i) => ({ host, port, fd: descriptors[i] }));
  } catch (cause) {
    for (const fd of descriptors) libc.call.close(fd);
    throw new Error(`what came is no list of sockets: ${(cause as Error).message}`, { cause });
  }
}

/** A `struct msghdr` of one piece of data; what it points to lives as long as it does. */
class Message {
  readonly bytes = new Uint8Array(MESSAGE_BYTES);
  readonly #view = new DataView(this.bytes.buffer);
  readonly #control: Uint8Array | null;
  /** Kept, because only numbers in it point to them. */
  readonly #data: Uint8Array;
  readonly #vector = new BigUint64Array(2);

  constructor(data: Uint8Array, control: Uint8Array | null) {
    this.#data = data;
    this.#control = control;
    this.#vector[0] = BigInt(pointerTo(this.#data, 0));
    this.#vector[1] = BigInt(data.length);
    const vector = new Uint8Array(this.#vector.buffer);
    this.#view.setBigUint64(MESSAGE.IOV, BigInt(pointerTo(vector, 0)), true);
    this.#view.setBigUint64(MESSAGE.IOV_COUNT, 1n, true);
    if (control === null) return;
    this.#view.setBigUint64(MESSAGE.CONTROL, BigInt(pointerTo(control, 0)), true);
    this.#view.setBigUint64(MESSAGE.CONTROL_BYTES, BigInt(control.length), true);
  }

  /** Those that came. */
  descriptors(): number[] {
    const control = this.#control;
    const filled = Number(this.#view.getBigUint64(MESSAGE.CONTROL_BYTES, true));
    if (control === null || filled < CONTROL_HEAD_BYTES) return [];
    const view = new DataView(control.buffer);
    const end = Math.min(filled, Number(view.getBigUint64(0, true)));
    const isRights = view.getInt32(8, true) === Kernel.SOL_SOCKET && view.getInt32(12, true) === Kernel.SCM_RIGHTS;
    const found: number[] = [];
    for (let at = CONTROL_HEAD_BYTES; isRights && at + 4 <= end; at += 4) found.push(view.getInt32(at, true));
    return found;
  }
}

/** CMSG_SPACE (cmsg(3)). */
function controlSpace(descriptors: number): number {
  return CONTROL_HEAD_BYTES + Math.ceil((4 * descriptors) / 8) * 8;
}

function unixAddress(path: string): Uint8Array {
  const name = Buffer.from(path);
  if (name.length >= UNIX_PATH_BYTES) throw new Error(`the path is too long for a Unix socket: ${path}`);
  const bytes = new Uint8Array(2 + name.length + 1);
  new DataView(bytes.buffer).setUint16(0, Kernel.AF_UNIX, true);
  bytes.set(name, 2);
  return bytes;
}
