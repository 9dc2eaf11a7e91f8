/** A proxy that is measured: how it is configured and started. */
import type { Start } from "../../common/programs.ts";

/** `http2` = in clear, with prior knowledge. */
export type ServersProtocol = "http1" | "http2";

/** Everything that a peer is told. All peers get the same. */
export interface PeerSetup {
  /** Its own directory, empty; on a file system in memory. */
  readonly directory: string;
  readonly port: number;
  /** 0 = no TLS. HTTP/2 is agreed on there by ALPN. */
  readonly tlsPort: number;
  /** Where HTTP/2 is spoken in clear. */
  readonly h2Port: number;
  readonly certFile: string;
  readonly keyFile: string;
  readonly backendPorts: readonly number[];
  readonly servers: ServersProtocol;
  readonly workers: number;
  readonly accessLog: boolean;
  /** Where spans are taken, of a peer that is `observed`. */
  readonly observerPort: number;
}

export interface Peer {
  readonly name: string;
  /** Shown in tables. */
  readonly title: string;
  /** Its version, or null when it is not on this machine. */
  version(): string | null;
  /** Writes its configuration into `setup.directory`. */
  prepare(setup: PeerSetup): Start;
  /** It is asked for its metrics once a second, and there is somebody who takes its spans. */
  readonly observed?: boolean;
  /** How many of its processes stand beside the path of requests (learner, recorder, tracer); left out = none. */
  readonly aside?: number;
  /** HTTP/1.1 and HTTP/2 are spoken at one port: its clients begin as they like. */
  readonly sharesPorts?: boolean;
  /** It can ask servers in HTTP/2. */
  readonly asksHttp2?: boolean;
  /** It rewrites heads and logs: held to the same work, counted by the geometric mean. False for the floor. */
  readonly proxies: boolean;
}
