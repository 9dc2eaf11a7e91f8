/**
 * The system calls of the socket layer, by the C library. Numbers are Linux's, the same on x86-64 and arm64 (see socket(7),
 * tcp(7), epoll(7)). Nothing blocks but `epoll_wait`, and
 * what hand-over.ts says.
 */
import { dlopen, type Pointer, ptr, toArrayBuffer } from "bun:ffi";
import { constants } from "node:os";
import { getSystemErrorName } from "node:util";

/** Numbers of the kernel's interface, by their names there. */
export const Kernel = {
  AF_UNIX: 1,
  AF_INET: 2,
  AF_INET6: 10,
  SOCK_STREAM: 1,
  SOCK_NONBLOCK: 0x800,
  SOCK_CLOEXEC: 0x80000,
  SOL_SOCKET: 1,
  SO_REUSEADDR: 2,
  SO_ERROR: 4,
  SO_LINGER: 13,
  SO_REUSEPORT: 15,
  SO_RCVTIMEO: 20,
  SO_SNDTIMEO: 21,
  SCM_RIGHTS: 1,
  IPPROTO_TCP: 6,
  TCP_NODELAY: 1,
  TCP_INFO: 11,
  TCP_ESTABLISHED: 1,
  TCP_CLOSE_WAIT: 8,
  IPPROTO_IPV6: 41,
  IPV6_V6ONLY: 26,
  MSG_PEEK: 0x2,
  MSG_DONTWAIT: 0x40,
  MSG_NOSIGNAL: 0x4000,
  MSG_CMSG_CLOEXEC: 0x40000000,
  SHUT_WR: 1,
  SIOCOUTQ: 0x5411,
  EPOLL_CLOEXEC: 0x80000,
  EPOLL_CTL_ADD: 1,
  EPOLL_CTL_DEL: 2,
  EPOLLIN: 0x1,
  EPOLLOUT: 0x4,
  EPOLLERR: 0x8,
  EPOLLHUP: 0x10,
  EPOLLRDHUP: 0x2000,
  EPOLLET: 0x80000000,
} as const;

/** Numbers of errors, by name. */
export const Errno = constants.errno;

const i32 = "i32";
const u32 = "u32";
const pointer = "ptr";
const FUNCTIONS = {
  socket: { args: [i32, i32, i32], returns: i32 },
  bind: { args: [i32, pointer, u32], returns: i32 },
  listen: { args: [i32, i32], returns: i32 },
  connect: { args: [i32, pointer, u32], returns: i32 },
  accept4: { args: [i32, pointer, pointer, i32], returns: i32 },
  getsockname: { args: [i32, pointer, pointer], returns: i32 },
  getsockopt: { args: [i32, i32, i32, pointer, pointer], returns: i32 },
  setsockopt: { args: [i32, i32, i32, pointer, u32], returns: i32 },
  recv: { args: [i32, pointer, u32, i32], returns: i32 },
  send: { args: [i32, pointer, u32, i32], returns: i32 },
  sendmsg: { args: [i32, pointer, i32], returns: i32 },
  recvmsg: { args: [i32, pointer, i32], returns: i32 },
  shutdown: { args: [i32, i32], returns: i32 },
  ioctl: { args: [i32, "u64", pointer], returns: i32 },
  close: { args: [i32], returns: i32 },
  dup: { args: [i32], returns: i32 },
  epoll_create1: { args: [i32], returns: i32 },
  epoll_ctl: { args: [i32, i32, i32, pointer], returns: i32 },
  epoll_wait: { args: [i32, pointer, i32, i32], returns: i32 },
  inet_pton: { args: [i32, pointer, pointer], returns: i32 },
  inet_ntop: { args: [i32, pointer, pointer, u32], returns: pointer },
  __errno_location: { args: [], returns: pointer },
} as const;

function open() {
  if (process.platform !== "linux" || (process.arch !== "x64" && process.arch !== "arm64")) {
    throw new Error(`${process.platform} on ${process.arch} is not supported`);
  }
  const musl = `libc.musl-${process.arch === "x64" ? "x86_64" : "aarch64"}.so.1`;
  try {
    return dlopen("libc.so.6", FUNCTIONS).symbols;
  } catch {
    return dlopen(musl, FUNCTIONS).symbols;
  }
}

/** The C library, opened. */
export class Libc {
  readonly call: ReturnType<typeof open>;
  readonly #errno: Int32Array;
  readonly #int = new Int32Array(1);
  readonly #linger = new Int32Array(2);

  /** Throws an `Error` where there is none, or another system than Linux. */
  constructor() {
    this.call = open();
    const location = this.call.__errno_location();
    if (location === null) throw new Error("no errno");
    this.#errno = new Int32Array(toArrayBuffer(location, 0, 4));
  }

  /** Of the call before, when that has failed. */
  get errno(): number {
    return this.#errno[0];
  }

  /** Sets an option of a whole number. The options used are there in every Linux: it cannot fail on a good socket. */
  setOption(fd: number, level: number, option: number, value: number): void {
    this.#int[0] = value;
    this.call.setsockopt(fd, level, option, this.#int, 4);
  }

  /** Makes the close of a socket, also by the end of the process, a reset; or orderly again. */
  closeByReset(fd: number, on: boolean): void {
    this.#linger[0] = on ? 1 : 0;
    this.call.setsockopt(fd, Kernel.SOL_SOCKET, Kernel.SO_LINGER, this.#linger, 8);
  }

  /** Closes with a reset. */
  abort(fd: number): void {
    this.closeByReset(fd, true);
    this.call.close(fd);
  }
}

/** The address of `data[offset]`. The caller keeps `data` alive until the call that uses it is over. */
export function pointerTo(data: Uint8Array, offset: number): Pointer {
  return ((ptr(data) as number) + offset) as Pointer;
}

/** An `Error` as the runtime's own: `code` is the name of the number. */
export function systemError(call: string, errno: number): NodeJS.ErrnoException {
  const name = getSystemErrorName(-errno);
  const error: NodeJS.ErrnoException = new Error(`${call}: ${name}`);
  error.code = name;
  error.errno = -errno;
  error.syscall = call;
  return error;
}
