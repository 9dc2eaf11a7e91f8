/**
 * Nothing of ours calls home. Each kind of process that may run a model does so where no name can be found, beside a name
 * server that notes who asks for one. onnxruntime sends telemetry unless it is told not to; the control shows that it would.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawn, spawnSync } from "../../support/processes.ts";

const SCRIPT = join(import.meta.dir, "quiet-network-process.ts");
const NAMESPACES = ["unshare", "--user", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child"];
/** Namespaces can be made here. Where the whole suite must hold they have to be. */
const isPossible =
  Bun.which("unshare") !== null && Bun.which("ip") !== null && spawnSync([...NAMESPACES, "true"]).exitCode === 0;
const isSkipped = !isPossible && !(process.env.CI && process.getuid?.() === 0);
if (isSkipped) console.warn("SKIPPED: no network namespace can be made here, so nobody can see who calls home");

interface Event {
  readonly used?: string;
  readonly asked?: string;
  readonly ended?: number;
}

/** A network of its own, with what runs in it. */
class Network {
  readonly events: Event[] = [];
  readonly home: string;
  readonly #child: Bun.Subprocess<"pipe", "pipe", "pipe">;

  constructor(directory: string, what: "control" | "product") {
    const own = join(directory, what);
    this.home = join(own, "home");
    mkdirSync(this.home, { recursive: true });
    writeFileSync(join(own, "resolv.conf"), "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n");
    // Or a resolver outside might be asked, over a socket of the file system.
    writeFileSync(join(own, "nsswitch.conf"), "passwd: files\nhosts: files dns\n");
    const prepare =
      'ip link set lo up && mount --bind "$1/resolv.conf" /etc/resolv.conf && { [ ! -e /etc/nsswitch.conf ] || mount --bind "$1/nsswitch.conf" /etc/nsswitch.conf; } && shift && exec "$@"';
    const command = [process.execPath, "--no-env-file", SCRIPT, what, own];
    this.#child = spawn([...NAMESPACES, "sh", "-c", prepare, "sh", own, ...command], {
      // The control leaves files of its telemetry in the temporary directory, too.
      env: { PATH: process.env.PATH, HOME: this.home, TMPDIR: own },
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    });
    void this.#read();
  }

  said(event: Event): boolean {
    return this.events.some((each) => Bun.deepEquals(each, event));
  }

  get lookUps(): string[] {
    return this.events.flatMap(({ asked }) => (asked === undefined ? [] : [asked]));
  }

  async end(): Promise<void> {
    this.#child.stdin.end();
    await Promise.race([this.#child.exited, Bun.sleep(5000)]);
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    let text = "";
    for await (const chunk of this.#child.stdout) {
      text += decoder.decode(chunk, { stream: true });
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) this.events.push(JSON.parse(line));
    }
  }
}

let directory: string;
const networks: Network[] = [];
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "nb-quiet-"));
});
afterAll(async () => {
  await Promise.all(networks.map((network) => network.end()));
  rmSync(directory, { recursive: true, force: true });
});

test.skipIf(isSkipped)(
  "no process looks a name up, or writes to the user's cache, while it runs a model",
  async () => {
    const product = new Network(directory, "product");
    networks.push(product);
    while (!product.said({ used: "all" })) await Bun.sleep(100);
    // Look-ups begin some ten seconds after the library was loaded: when one that was loaded now has made them, all would have.
    const control = new Network(directory, "control");
    networks.push(control);
    while (control.lookUps.length === 0) await Bun.sleep(100);
    expect(product.lookUps).toEqual([]);
    expect(existsSync(join(product.home, ".cache"))).toBe(false);
    expect(existsSync(join(control.home, ".cache"))).toBe(true);
    for (const used of ["serve", "model-server", "check", "simulate", "demo"]) {
      expect([used, product.said({ used })]).toEqual([used, true]);
    }
    expect(product.events.filter(({ ended }) => ended !== undefined)).toEqual([]);
  },
  180_000,
);
