/**
 * TCP by system calls of our own: what `Bun.listen` and `Bun.connect` do, with fewer calls and without memory for each
 * packet. Events are edge-triggered, so reading and writing are tried until the kernel has nothing more.
 */

import { AddressBuffer, type PackedAddress, packAddress } from "./address.ts";
import { EventLoop, type Watched } from "./event-loop.ts";
import { Errno, Kernel, Libc, pointerTo, systemError } from "./libc.ts";
import type { HeaderTerms } from "./proxied/header-terms.ts";
import { HeaderWaits } from "./proxied/header-waits.ts";
import type { Dialler, OnSocket, RawSocket, SocketUser, TakenOver } from "./raw-socket.ts";
import { borrowedPacket, clientPacket, RECEIVE_BYTES, receiveBuffer } from "./receive-memory.ts";

const { AF_INET6, IPPROTO_IPV6, IPPROTO_TCP, IPV6_V6ONLY, MSG_NOSIGNAL, SHUT_WR, TCP_NODELAY } = Kernel;
const { SO_ERROR, SO_REUSEADDR, SO_REUSEPORT, SOL_SOCKET } = Kernel;
const { EPOLLERR, EPOLLET, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP } = Kernel;
/** What every socket of ours is. */
const ACCEPT_FLAGS = Kernel.SOCK_NONBLOCK | Kernel.SOCK_CLOEXEC;
const STREAM_SOCKET = Kernel.SOCK_STREAM | ACCEPT_FLAGS;
const SOCKET_EVENTS = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
const ENDED_EVENTS = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
/** Reads in a row from one socket, before others have their turn. */
const MAX_READS = 4;
/** Connections accepted in a row. */
const MAX_ACCEPTS = 64;
const BACKLOG = 4096;
/** Pause after the system had no descriptor or memory for a connection, milliseconds. */
const ACCEPT_PAUSE_MS = 100;

/** TCP of one process. */
export class Tcp {
  readonly libc: Libc;
  readonly loop: EventLoop;
  readonly now: () => number;
  readonly overwrite: boolean;
  readonly address: AddressBuffer;
  readonly #number = new Int32Array(1);
  readonly #numberBytes = new Uint32Array(1);

  /**
   * @param now monotonic clock, milliseconds.
   * @param slackMs how long timers of the runtime may be late, milliseconds.
   * @param overwrite spoil borrowed packets when their handler returns, so that tests find whoever kept one.
   * Throws an `Error` where the system does not allow it.
   */
  constructor(now: () => number, slackMs: number, onInternalError: (error: unknown) => void, overwrite = false) {
    this.overwrite = overwrite;
    this.libc = new Libc();
    this.now = now;
    this.address = new AddressBuffer(this.libc);
    this.loop = new EventLoop(this.libc, now, slackMs, (watched, error) => {
      onInternalError(error);
      if (watched instanceof TcpSocket) watched.user.onInternalError(now());
    });
  }

  /**
   * Listens on a numeric address, together with other processes (SO_REUSEPORT).
   * @param headers where proxies say whose connections they make; null = nowhere.
   * @param takenOver instead of a socket of its own.
   * @returns null when `host` is a name. Throws an `Error` with a `code` when the port cannot be had.
   */
  listen(
    host: string,
    port: number,
    onSocket: OnSocket,
    headers: HeaderTerms | null = null,
    takenOver: TakenOver | null = null,
  ): TcpListener | null {
    const address = packAddress(this.libc, host, port);
    const waits = headers && new HeaderWaits(this.libc, this.loop, headers, this.now);
    return address && new TcpListener(this, address, onSocket, waits, takenOver);
  }

  /** Connects `user` to a numeric address; null when it is none. The user is told later, unless it ends the socket. */
  connect(host: string, port: number, user: Dialler): TcpSocket | null {
    const address = packAddress(this.libc, host, port);
    if (address === null) return null;
    const { call } = this.libc;
    const fd = call.socket(address.family, STREAM_SOCKET, 0);
    const socket = new TcpSocket(this, fd, user, null);
    user.begun(socket, this.now());
    if (fd < 0) return refuseLater(socket, user, this.libc.errno);
    this.libc.setOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    const begun = call.connect(fd, address.bytes, address.bytes.length) === 0 || this.libc.errno === Errno.EINPROGRESS;
    if (begun && this.loop.watch(fd, SOCKET_EVENTS, socket)) {
      socket.connecting = user;
      return socket;
    }
    return refuseLater(socket, user, this.libc.errno);
  }

  /** What a socket is broken by; 0 = nothing. To ask is to consume it. */
  errorOf(fd: number): number {
    this.#numberBytes[0] = 4;
    const failed = this.libc.call.getsockopt(fd, SOL_SOCKET, SO_ERROR, this.#number, this.#numberBytes) < 0;
    return failed ? this.libc.errno : this.#number[0];
  }
}

/** Not at once: the caller does not hold the connection yet that it would be told of. */
function refuseLater(socket: TcpSocket, user: Dialler, errno: number): TcpSocket {
  const { code = "" } = systemError("connect", errno);
  queueMicrotask(() => {
    socket.end();
    user.refused(code, socket.tcp.now());
  });
  return socket;
}

/** A listening socket. */
export class TcpListener implements Watched {
  readonly #tcp: Tcp;
  readonly #fd: number;
  readonly #onSocket: OnSocket;
  readonly #headers: HeaderWaits | null;
  readonly port: number;
  readonly idle = false;
  #stopped = false;

  constructor(
    tcp: Tcp,
    address: PackedAddress,
    onSocket: OnSocket,
    headers: HeaderWaits | null,
    takenOver: TakenOver | null,
  ) {
    this.#tcp = tcp;
    this.#onSocket = onSocket;
    this.#headers = headers;
    const { libc } = tcp;
    this.#fd = takenOver?.fd ?? libc.call.socket(address.family, STREAM_SOCKET, 0);
    if (this.#fd < 0) throw systemError("socket", libc.errno);
    this.port = takenOver?.port ?? this.#bound(address);
    if (tcp.loop.watch(this.#fd, EPOLLIN, this)) return;
    // A socket that was taken over is closed by whoever gave it.
    throw takenOver === null ? this.#closed("epoll_ctl") : systemError("epoll_ctl", libc.errno);
  }

  /** Its descriptor; -1 = closed. */
  get fd(): number {
    return this.#stopped ? -1 : this.#fd;
  }

  /** Listens at the address. @returns the port. */
  #bound(address: PackedAddress): number {
    const { libc, address: found } = this.#tcp;
    const { bytes } = address;
    libc.setOption(this.#fd, SOL_SOCKET, SO_REUSEADDR, 1);
    libc.setOption(this.#fd, SOL_SOCKET, SO_REUSEPORT, 1);
    libc.setOption(this.#fd, IPPROTO_TCP, TCP_NODELAY, 1); // accepted sockets inherit it
    if (address.family === AF_INET6) libc.setOption(this.#fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    if (libc.call.bind(this.#fd, bytes, bytes.length) < 0) throw this.#closed("bind");
    if (libc.call.listen(this.#fd, BACKLOG) < 0) throw this.#closed("listen");
    found.reset();
    if (libc.call.getsockname(this.#fd, found.bytes, found.length) < 0) throw this.#closed("getsockname");
    return found.port;
  }

  onEvent(): void {
    this.#acceptAll(MAX_ACCEPTS);
  }

  /** Takes those who have connected already, and no more. */
  stop(): void {
    if (this.#stopped) return;
    this.#acceptAll(BACKLOG);
    this.#stopped = true;
    this.#tcp.loop.forget(this.#fd);
    this.#tcp.libc.call.close(this.#fd);
  }

  #acceptAll(most: number): void {
    const { libc, address } = this.#tcp;
    const headers = this.#headers;
    for (let i = 0; i < most; i++) {
      address.reset();
      const fd = libc.call.accept4(this.#fd, address.bytes, address.length, ACCEPT_FLAGS);
      if (fd < 0) {
        const { errno } = libc;
        if (errno === Errno.EMFILE || errno === Errno.ENFILE || errno === Errno.ENOMEM || errno === Errno.ENOBUFS) {
          this.#pause();
        }
        return; // whatever else it was, there is another event if there is another client
      }
      const peer = address.text;
      if (headers?.terms.trusts(peer) === true) this.#awaitHeader(headers, fd, peer);
      else this.#offer(fd, peer);
    }
  }

  #awaitHeader(headers: HeaderWaits, fd: number, peer: string): void {
    headers.begin(fd, peer, {
      onHeader: (client) => this.#offer(fd, client || peer),
      onRefused: () => this.#tcp.libc.abort(fd),
    });
  }

  #offer(fd: number, address: string): void {
    const { libc, loop, now } = this.#tcp;
    const socket = new TcpSocket(this.#tcp, fd, NOBODY, address);
    let user: SocketUser | null = null;
    try {
      user = this.#onSocket(socket, now());
    } finally {
      if (user === null) socket.terminate();
    }
    if (user === null || socket.over) return;
    socket.user = user;
    if (loop.watch(fd, SOCKET_EVENTS, socket)) return;
    const error = systemError("epoll_ctl", libc.errno);
    socket.terminate();
    user.onClose(now(), error);
  }

  #pause(): void {
    this.#tcp.loop.unwatch(this.#fd);
    this.#goOnLater();
  }

  #goOnLater(): void {
    setTimeout(() => {
      if (!this.#stopped && !this.#tcp.loop.watch(this.#fd, EPOLLIN, this)) this.#goOnLater();
    }, ACCEPT_PAUSE_MS);
  }

  #closed(call: string): Error {
    const error = systemError(call, this.#tcp.libc.errno);
    this.#tcp.libc.call.close(this.#fd);
    return error;
  }
}

const NOBODY: SocketUser = {
  onData() {},
  onDrain() {},
  onEnd() {},
  onClose() {},
  wantsRest: false,
  onInternalError() {},
};

/**
 * One TCP connection. The kernel tells an error of it once, to whichever call comes first, and `recv` says 0 from then on,
 * as after a FIN. So whoever meets the error notes it: what the kernel still holds is read first, and then the connection
 * is reported broken.
 */
class TcpSocket implements RawSocket, Watched {
  readonly tcp: Tcp;
  readonly remoteAddress: string;
  readonly #ofClient: boolean;
  user: SocketUser;
  idle = false;
  /** Told when the connection is made; null afterwards. */
  connecting: Dialler | null = null;
  /** -1 = closed. */
  #fd: number;
  #paused = false;
  /** The kernel did not take everything. */
  #full = false;
  /** There may be more to read than was read. */
  #more = false;
  /** The last read left something: it filled the buffer, or the peer's end was announced with it. */
  #unread = false;
  /** It is in the loop's list of those who have left something undone. */
  #due = false;
  #received = false;
  /** The peer's FIN has come, although it may not have been read. */
  #ending = false;
  #shutDown = false;
  /** What a call found the connection broken by; 0 = nothing. */
  #error = 0;
  /** epoll said that it is broken. */
  #broken = false;

  /** @param clientAddress null = no client's: we connect it. */
  constructor(tcp: Tcp, fd: number, user: SocketUser, clientAddress: string | null) {
    this.tcp = tcp;
    this.#fd = fd;
    this.user = user;
    this.remoteAddress = clientAddress ?? "";
    this.#ofClient = clientAddress !== null;
  }

  get over(): boolean {
    return this.#fd < 0;
  }

  get fd(): number {
    return this.#fd;
  }

  get unread(): boolean {
    return this.#unread || (this.#paused && this.#more);
  }

  // ── RawSocket ────────────────────────────────────────────────────────────────────────────────────────────────────

  write(data: Uint8Array, offset = 0, length = data.length - offset): number {
    if (this.#fd < 0 || this.#shutDown) return -1;
    const taken = this.tcp.libc.call.send(this.#fd, pointerTo(data, offset), length, MSG_NOSIGNAL);
    if (taken === length) return taken;
    if (taken >= 0) {
      this.#full = true;
      return taken;
    }
    const { errno } = this.tcp.libc;
    if (errno === Errno.EINTR) return this.write(data, offset, length);
    if (errno !== Errno.EAGAIN && errno !== Errno.ENOBUFS) {
      this.#failed(errno);
      return -1;
    }
    this.#full = true;
    return 0;
  }

  end(): void {
    const fd = this.#release();
    if (fd >= 0) this.tcp.libc.call.close(fd);
  }

  terminate(): void {
    const fd = this.#release();
    if (fd >= 0) this.tcp.libc.abort(fd);
  }

  shutdown(): void {
    if (this.#fd < 0 || this.#shutDown) return;
    this.#shutDown = true;
    this.tcp.libc.call.shutdown(this.#fd, SHUT_WR);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    if (this.#more) this.#readLater();
  }

  passTo(user: SocketUser): void {
    this.user = user;
  }

  // ── events ───────────────────────────────────────────────────────────────────────────────────────────────────────

  onEvent(mask: number): void {
    if (mask === 0) this.#due = false; // from the loop's list
    if (this.#fd < 0) return;
    if (this.connecting !== null) {
      this.#connected(mask);
      if (this.#fd < 0) return;
    }
    if ((mask & EPOLLERR) !== 0) this.#broken = true;
    if ((mask & EPOLLOUT) !== 0 && this.#full) {
      this.#full = false;
      this.user.onDrain(this.tcp.now());
      if (this.#fd < 0) return;
    }
    if ((mask & (EPOLLIN | ENDED_EVENTS)) !== 0) this.#more = true;
    if ((mask & EPOLLRDHUP) !== 0) this.#ending = true;
    if (!this.#more) return;
    if (!this.#paused) this.#read((mask & ENDED_EVENTS) !== 0, mask === 0);
    if (this.#paused && this.#broken && this.#fd >= 0 && !this.user.wantsRest) this.#breakOff();
    if (this.#ending && this.#paused && this.#fd >= 0) this.user.onEndAhead?.(this.tcp.now());
  }

  /** Nobody waits for what a peer that is gone has sent. */
  #breakOff(): void {
    this.#close(this.#error || this.tcp.errorOf(this.#fd) || Errno.ECONNRESET);
  }

  /** A call has found the connection broken, so that no other will. */
  #failed(errno: number): void {
    this.#broken = true;
    // EPIPE comes first when the peer's FIN had come before its reset: all that it had to say is there.
    if (errno !== Errno.EPIPE && this.#error === 0) this.#error = errno;
    this.#more = true;
    if (!this.#paused || !this.user.wantsRest) this.#readLater();
  }

  #connected(mask: number): void {
    if ((mask & (EPOLLOUT | EPOLLERR | EPOLLHUP)) === 0) return;
    const dialler = this.connecting as Dialler;
    this.connecting = null;
    const errno = (mask & (EPOLLERR | EPOLLHUP)) === 0 ? 0 : this.tcp.errorOf(this.#fd);
    if (errno === 0) {
      dialler.opened(this, this.tcp.now());
      return;
    }
    this.end();
    dialler.refused(systemError("connect", errno).code ?? "", this.tcp.now());
  }

  /**
   * @param ended the peer's end is behind what there is to read.
   * @param again it is not known what there is.
   */
  #read(ended: boolean, again: boolean): void {
    const { libc, now, overwrite } = this.tcp;
    const thoroughly = ended || again;
    for (let i = 0; i < MAX_READS; i++) {
      const count = libc.call.recv(this.#fd, receiveBuffer, RECEIVE_BYTES, 0);
      if (count > 0) {
        this.#unread = ended || count === RECEIVE_BYTES;
        this.user.onData(this.#ofClient ? clientPacket(count) : borrowedPacket(count), now());
        if (overwrite) receiveBuffer.fill(0xdd, 0, count);
        if (this.#fd < 0 || (count < RECEIVE_BYTES && !thoroughly && !this.#broken && this.#nothingMore())) return;
        if (this.#paused) return;
      } else if (count === 0) {
        this.#more = false;
        if (this.#error !== 0) this.#close(this.#error);
        else {
          this.#ended();
          // The FIN came first, and a reset behind it.
          if (this.#broken && this.#fd >= 0) this.#close(Errno.ECONNRESET);
        }
        return;
      } else if (libc.errno === Errno.EAGAIN) {
        this.#more = false;
        return;
      } else if (libc.errno !== Errno.EINTR) {
        this.#close(libc.errno);
        return;
      }
    }
    this.#readLater();
  }

  #nothingMore(): boolean {
    this.#more = false;
    return true;
  }

  #readLater(): void {
    if (this.#due || this.#fd < 0) return;
    this.#due = true;
    this.tcp.loop.later(this);
  }

  /** The peer's FIN. */
  #ended(): void {
    if (this.#shutDown) {
      this.end();
      this.user.onClose(this.tcp.now());
    } else if (!this.#received) {
      this.#received = true;
      this.user.onEnd(this.tcp.now());
    }
  }

  #close(errno: number): void {
    this.end();
    this.user.onClose(this.tcp.now(), systemError("recv", errno));
  }

  #release(): number {
    const fd = this.#fd;
    if (fd >= 0) this.tcp.loop.forget(fd);
    this.#fd = -1;
    this.connecting = null;
    return fd;
  }
}
