/** A real ACME server for tests (pebble), and the names that it believes: all of them lead to this machine. */

import { Resolver } from "node:dns/promises";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Authority, createAuthority } from "../certificates.ts";
import { freePort } from "../ports/free-port.ts";
import { Daemon } from "../processes.ts";
import { until } from "../until.ts";

/** Of Debian. `.ci/run` installs it. */
export const HAS_PEBBLE = Bun.which("pebble") !== null && Bun.which("pebble-challtestsrv") !== null;

/** What it is told. */
export interface PebbleOptions {
  /** Where it asks by HTTP-01 and by TLS-ALPN-01. */
  readonly httpPort: number;
  readonly tlsPort: number;
  /** Keys of accounts that it wants to be bound to, by key id. */
  readonly externalAccounts?: Readonly<Record<string, string>>;
  /** Else any free one. */
  readonly port?: number;
}

/** One that runs. */
export class Pebble {
  readonly directory = mkdtempSync(join(tmpdir(), "nb-pebble-"));
  readonly #authority: Authority = createAuthority("CA of the CA");
  readonly #options: PebbleOptions;
  #daemons: Daemon[] = [];
  port = 0;
  #managementPort = 0;
  #dnsPort = 0;

  constructor(options: PebbleOptions) {
    this.#options = options;
    writeFileSync(this.caFile, this.#authority.cert);
  }

  /** Whom its own certificate is signed by. */
  get caFile(): string {
    return join(this.directory, "ca.pem");
  }

  get url(): string {
    return `https://127.0.0.1:${this.port}/dir`;
  }

  /** What it has printed. */
  get log(): string {
    return this.#daemons.map(({ stdout, stderr }) => stdout + stderr).join("");
  }

  async start(): Promise<void> {
    const { httpPort, tlsPort, externalAccounts, port } = this.#options;
    if (this.port === 0) {
      this.port = port ?? freePort();
      this.#managementPort = freePort();
      this.#dnsPort = freePort();
    }
    mkdirSync(this.directory, { recursive: true });
    const own = this.#authority.issue("IP:127.0.0.1");
    const at = (name: string): string => join(this.directory, name);
    writeFileSync(at("cert.pem"), own.cert);
    writeFileSync(at("key.pem"), own.key);
    const pebble = {
      listenAddress: `127.0.0.1:${this.port}`,
      managementListenAddress: `127.0.0.1:${this.#managementPort}`,
      certificate: at("cert.pem"),
      privateKey: at("key.pem"),
      httpPort,
      tlsPort,
      externalAccountBindingRequired: externalAccounts !== undefined,
      externalAccountMACKeys: externalAccounts,
    };
    writeFileSync(at("config.json"), JSON.stringify({ pebble }));
    const names = ["-dns01", `127.0.0.1:${this.#dnsPort}`, "-defaultIPv4", "127.0.0.1", "-defaultIPv6", ""];
    const quiet = ["-http01", "", "-https01", "", "-tlsalpn01", "", "-management", `127.0.0.1:${freePort()}`];
    this.#daemons = [
      new Daemon(["pebble-challtestsrv", ...names, ...quiet]),
      new Daemon(["pebble", "-config", at("config.json"), "-dnsserver", `127.0.0.1:${this.#dnsPort}`, "-strict"], {
        // So few nonces are refused that no question runs out of the tries that it has.
        env: { PEBBLE_VA_NOSLEEP: "1", PEBBLE_AUTHZREUSE: "0", PEBBLE_WFE_NONCEREJECT: "3" },
      }),
    ];
    await until(async () => (await this.#ask("/roots/0").catch(() => null)) !== null);
    const dns = new Resolver({ timeout: 1000, tries: 1 });
    dns.setServers([`127.0.0.1:${this.#dnsPort}`]);
    await until(() => dns.resolve4("any.test").catch(() => null));
  }

  /** The root that what it issues leads to, PEM. Another one after each start. */
  root(): Promise<string> {
    return this.#ask("/roots/0");
  }

  async stop(): Promise<void> {
    await Promise.all(this.#daemons.map((daemon) => daemon.stop()));
    this.#daemons = [];
  }

  async clean(): Promise<void> {
    await this.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #ask(path: string): Promise<string> {
    const url = `https://127.0.0.1:${this.#managementPort}${path}`;
    const response = await fetch(url, { tls: { ca: this.#authority.cert } });
    return response.text();
  }
}
