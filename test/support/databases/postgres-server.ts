/**
 * A PostgreSQL server of a test's own: with a data directory that goes with it, on a free port of the loopback, without fsync.
 * It does not run as root: there it is started as another user. The test that started it ends it; the run does, if it does not.
 * What it needs (initdb, postgres) is in Debian's package `postgresql`, of any version from 13 on.
 */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SQL } from "bun";
import type { PostgresLocation } from "../../../src/storage/postgres/location.ts";
import type { Certificate } from "../certificates.ts";
import { freePort } from "../ports/free-port.ts";
import { isAlive, spawn, spawnSync } from "../processes.ts";
import { until } from "../until.ts";

const ROOT = "/usr/lib/postgresql";
/** Of its own, so that tests of passwords have one that no message may repeat. */
export const PASSWORD = "s3cret-of-the-test";

/** Where the programs are, of the newest version of which there is a server; `null` = none is installed. */
export function postgresPrograms(): string | null {
  let versions: string[];
  try {
    versions = readdirSync(ROOT);
  } catch {
    return null;
  }
  const servers = versions.filter((name) => /^\d+$/.test(name) && existsSync(join(ROOT, name, "bin/postgres")));
  const newest = servers.sort((a, b) => Number(b) - Number(a))[0];
  return newest === undefined ? null : join(ROOT, newest, "bin");
}

/** Without them there is nothing to try, but for a run that must not leave anything out. */
export const hasPostgres = postgresPrograms() !== null || process.env.CI === "true";

/** Whether this user may give a server a small disk that nobody else sees. */
export const canMount =
  hasPostgres &&
  process.getuid?.() === 0 &&
  spawnSync(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"], { stderr: "ignore" }).exitCode === 0;

/** How a server is started. */
export interface ServerOptions {
  /** It has a disk of this size beside its own, for `smallDatabase`. */
  readonly smallMegabytes?: number;
  /** Settings, as in postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** See "Shutting Down the Server" in its manual. */
const STOP_SIGNALS = { fast: "SIGINT", immediate: "SIGQUIT", crash: "SIGKILL" } as const;

export class PostgresServer {
  readonly directory: string;
  readonly port: number;
  readonly #settings: Readonly<Record<string, string>>;
  readonly #smallMegabytes: number;
  #process: Bun.Subprocess | null = null;
  #databases = 0;

  private constructor({ smallMegabytes = 0, settings = {} }: ServerOptions) {
    this.#smallMegabytes = smallMegabytes;
    this.directory = mkdtempSync(join(tmpdir(), "postgres-"));
    this.#settings = settings;
    this.port = freePort();
  }

  /** A server that takes connections. */
  static async start(options: ServerOptions = {}): Promise<PostgresServer> {
    const server = new PostgresServer(options);
    try {
      server.#init();
      await server.start();
      return server;
    } catch (error) {
      await server.remove();
      throw error;
    }
  }

  get pid(): number {
    return this.#process!.pid;
  }

  /** Starts it again, as it was left. */
  async start(): Promise<void> {
    const child = spawn({
      cmd: [
        ...this.#withSmallDisk(),
        ...this.#asUser(),
        ...[join(postgresPrograms()!, "postgres"), "-D", join(this.directory, "data")],
      ],
      cwd: this.directory,
      env: { PATH: process.env.PATH, LC_ALL: "C" },
      stdin: "ignore",
      stdout: "ignore",
      stderr: Bun.file(join(this.directory, "log")),
    });
    this.#process = child;
    await until(async () => {
      if (child.exitCode !== null)
        throw new Error(`PostgreSQL did not start: ${readFileSync(join(this.directory, "log"), "utf8")}`);
      return this.answers();
    });
  }

  /** Whether it takes connections. */
  async answers(): Promise<boolean> {
    try {
      await this.query("SELECT 1");
      return true;
    } catch {
      return false;
    }
  }

  /** Ends it, as it wants to be ended, at once, or as a crash does. */
  async stop(how: "fast" | "immediate" | "crash" = "fast"): Promise<void> {
    const child = this.#process;
    if (child === null) return;
    this.#process = null;
    const descendants = childrenOf(child.pid);
    child.kill(STOP_SIGNALS[how]);
    await child.exited;
    if (how === "crash") for (const pid of descendants) killIfAlive(pid);
    await until(() => descendants.every((pid) => !isAlive(pid)));
  }

  /** All of its processes stand still, as where a disk or a machine hangs; or go on. */
  freeze(isFrozen: boolean): void {
    const all = [this.pid, ...childrenOf(this.pid)];
    for (const pid of all) process.kill(pid, isFrozen ? "SIGSTOP" : "SIGCONT");
  }

  /** Ends it and takes its data away. */
  async remove(): Promise<void> {
    if (this.#process !== null) {
      try {
        this.freeze(false);
      } catch {
        // One of them is gone.
      }
      await this.stop("immediate"); // it gives its shared memory back
    }
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Speaks TLS with this certificate from now on. */
  async certify({ cert, key }: Certificate): Promise<void> {
    for (const [name, text] of Object.entries({ "server.crt": cert, "server.key": key })) {
      const path = join(this.directory, "data", name);
      writeFileSync(path, text, { mode: 0o600 });
      const user = serverUser();
      if (user !== null) chownSync(path, user.uid, user.gid);
    }
    await this.set("ssl", "on");
  }

  /** Changes a setting, for sessions from now on. */
  async set(name: string, value: string): Promise<void> {
    await this.query(`ALTER SYSTEM SET ${name} = '${value}'`);
    await this.query("SELECT pg_reload_conf()");
  }

  /** A new database, and where it is. @param like one that nobody uses, of which it is a copy. */
  async database(changed: Partial<PostgresLocation> = {}, like = "template1"): Promise<PostgresLocation> {
    const database = `test_${++this.#databases}`;
    await this.query(`CREATE DATABASE ${database} TEMPLATE ${like}`);
    return this.location({ database, ...changed });
  }

  /** A new database on the small disk. */
  async smallDatabase(): Promise<PostgresLocation> {
    await this.query(`CREATE TABLESPACE small LOCATION '${join(this.directory, "small")}'`);
    await this.query("CREATE DATABASE small TABLESPACE small");
    return this.location({ database: "small" });
  }

  location(changed: Partial<PostgresLocation> = {}): PostgresLocation {
    return {
      kind: "postgres",
      host: "127.0.0.1",
      port: this.port,
      database: "postgres",
      user: "postgres",
      password: PASSWORD,
      sslMode: "disable",
      sslRootCert: null,
      instance: "one",
      maxOpenConnections: 25,
      maxIdleConnections: 10,
      connectionLifetimeMs: 0,
      connectTimeoutMs: 5_000,
      statementTimeoutMs: 10_000,
      ...changed,
    };
  }

  /** Rows of a statement in a database, on a connection of its own. */
  async query<Row = Record<string, unknown>>(text: string, database = "postgres"): Promise<Row[]> {
    const sql = new SQL({
      url: "postgres://localhost",
      hostname: "127.0.0.1",
      port: this.port,
      username: "postgres",
      password: PASSWORD,
      database,
      tls: "disable",
      max: 1,
    });
    try {
      return [...(await sql.unsafe(text))] as Row[];
    } finally {
      await sql.close({ timeout: 0 });
    }
  }

  #init(): void {
    const bin = postgresPrograms();
    if (bin === null) throw new Error("PostgreSQL is not installed (Debian's package `postgresql`)");
    mkdirSync(this.directory, { recursive: true });
    if (this.#smallMegabytes > 0) mkdirSync(join(this.directory, "small"));
    const passwords = join(this.directory, "password");
    writeFileSync(passwords, PASSWORD);
    const user = serverUser();
    if (user !== null) {
      chownSync(this.directory, user.uid, user.gid);
      chownSync(passwords, user.uid, user.gid);
      chmodSync(this.directory, 0o755);
    }
    const { exitCode, stderr } = spawnSync({
      cmd: [
        ...this.#asUser(),
        join(bin, "initdb"),
        ...["-D", join(this.directory, "data"), "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync"],
        ...["-A", "scram-sha-256", "--pwfile", passwords],
      ],
      cwd: this.directory,
      env: { PATH: process.env.PATH, LC_ALL: "C" },
      stdout: "ignore",
      stderr: "pipe",
    });
    if (exitCode !== 0) throw new Error(`initdb: ${stderr.toString()}`);
    const settings = {
      listen_addresses: "127.0.0.1",
      port: String(this.port),
      unix_socket_directories: "",
      fsync: "off",
      full_page_writes: "off",
      // In its directory, so that one that is killed leaves nothing in /dev/shm.
      dynamic_shared_memory_type: "mmap",
      shared_buffers: "32MB",
      max_connections: "60",
      ...this.#settings,
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'\n`);
    writeFileSync(join(this.directory, "data/postgresql.conf"), lines.join(""));
  }

  #withSmallDisk(): string[] {
    if (this.#smallMegabytes === 0) return [];
    const { uid, gid } = serverUser()!;
    const options = `size=${this.#smallMegabytes}m,uid=${uid},gid=${gid},mode=700`;
    const path = join(this.directory, "small");
    return ["unshare", "-m", "sh", "-c", `mount -t tmpfs -o ${options} tmpfs ${path} && exec "$@"`, "sh"];
  }

  #asUser(): string[] {
    const user = serverUser();
    return user === null ? [] : ["setpriv", `--reuid=${user.uid}`, `--regid=${user.gid}`, "--clear-groups"];
  }
}

/** Who runs the server where this is root: Debian's user for it, or nobody. `null` = whoever runs this. */
function serverUser(): { readonly uid: number; readonly gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  const entries = readFileSync("/etc/passwd", "utf8").split("\n");
  const entry = ["postgres:", "nobody:"].map((name) => entries.find((line) => line.startsWith(name))).find(Boolean);
  const [, , uid, gid] = entry!.split(":");
  return { uid: Number(uid), gid: Number(gid) };
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function killIfAlive(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}
