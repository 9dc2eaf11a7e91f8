/** A proxy that is measured: how it is configured and started. */

/** Everything that a peer is told. All peers get the same. */
export interface PeerSetup {
  /** Its own directory, empty; on a file system in memory. */
  readonly directory: string;
  readonly port: number;
  /** 0 = no TLS. */
  readonly tlsPort: number;
  readonly certFile: string;
  readonly keyFile: string;
  readonly backendPorts: readonly number[];
  readonly workers: number;
  readonly accessLog: boolean;
}

/** How to start it. The process stays in the foreground. */
export interface Start {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Where its access log goes: the file itself, or standard output redirected to it. */
  readonly logFile: string;
}

export interface Peer {
  readonly name: string;
  /** Shown in tables. */
  readonly title: string;
  /** Its version, or null when it is not on this machine. */
  version(): string | null;
  /** Writes its configuration into `setup.directory`. */
  prepare(setup: PeerSetup): Start;
  /** It rewrites heads and logs: held to the same work, counted by the geometric mean. False for the floor. */
  readonly proxies: boolean;
}

/** The first group of `pattern` in what a command says, or null when it cannot be run. */
export function versionOf(command: readonly string[], pattern: RegExp): string | null {
  try {
    const { stdout, stderr } = Bun.spawnSync([...command]);
    return pattern.exec(`${stdout}${stderr}`)?.[1] ?? null;
  } catch {
    return null;
  }
}

/** The path of an executable, also in the directories that only root has in its PATH. */
export function executable(name: string): string | null {
  return Bun.which(name, { PATH: `${process.env.PATH ?? ""}:/usr/local/sbin:/usr/sbin:/sbin` });
}
