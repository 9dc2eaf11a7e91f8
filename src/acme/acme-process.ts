/** The process that gets certificates: composition root of ACME. It owns clocks, randomness and files, and hands them down. */
import { hostname } from "node:os";
import { version } from "../../package.json";
import type { AcmeStart, FromAcme, PendingChallenge, ToAcme } from "../protocol/acme.ts";
import { processDescriptors } from "../telemetry/process-descriptors.ts";
import { type Running, runSupervised, type SupervisedHost } from "../telemetry/supervised-process.ts";
import { AcmeAuthority } from "./authority/acme-authority.ts";
import { Transport } from "./authority/transport.ts";
import { Challenges } from "./challenges.ts";
import { Renewals } from "./renewals.ts";
import { AccountStore } from "./store/account-store.ts";
import { CertificateStore } from "./store/certificate-store.ts";
import { Lease } from "./store/lease.ts";

/** How often it is looked for what is due, and for challenges of others. */
const LOOK_MS = 1_000;
/** Whoever answers says so within this, or the order fails. */
const SERVED_MS = 10_000;
/** What runtime and libraries would go by: a CA is spoken to directly. */
const PROXY_VARIABLES = ["http_proxy", "https_proxy", "all_proxy"];

/** Runs until the supervisor says "drain", or is gone. */
export function runAcme(): void {
  runSupervised<ToAcme, FromAcme>("acme", start);
}

function start({ settings }: AcmeStart, { log, tell }: SupervisedHost<FromAcme>): Running<ToAcme> {
  for (const name of PROXY_VARIABLES) {
    delete process.env[name];
    delete process.env[name.toUpperCase()];
  }
  const wallMs = (): number => Date.now();
  const mark = `${process.pid}-${Math.floor(Math.random() * 2 ** 32).toString(16)}`;
  const served = new Served(tell);
  const { directory } = settings;
  const challenges = new Challenges({ directory, mark, log, wallMs, pause, tell: (pending) => served.tell(pending) });
  const store = new CertificateStore(directory, mark);
  const transport = new Transport({
    caPem: settings.caPem,
    userAgent: `neurabalancer/${version}`,
    fetch,
    wallMs,
  });
  const accounts = new AccountStore(directory, mark);
  const lease = new Lease(directory, `${hostname()} ${process.pid}`, wallMs, isGone);
  const renewals = new Renewals({
    settings,
    store,
    lease,
    authority: new AcmeAuthority({ settings, accounts, transport, wallMs, pause }),
    challenges,
    log,
    tell,
    wallMs,
    random: Math.random,
  });
  const look = (): void => {
    challenges.look();
    renewals.tick();
    tell({ type: "alive", rssBytes: process.memoryUsage.rss(), openDescriptors: processDescriptors.open() || 0 });
  };
  const looking = setInterval(look, LOOK_MS);
  setImmediate(look);
  return {
    tell: (told) => {
      if (told.type === "served") served.heard(told.version);
      else renewals.renew(told.name);
    },
    close: async () => {
      clearInterval(looking);
      await renewals.close();
    },
  };
}

/** Tells the supervisor what is to be answered, and waits until it is. */
class Served {
  readonly #tell: (message: FromAcme) => void;
  readonly #waiting = new Map<number, () => void>();
  #version = 0;

  constructor(tell: (message: FromAcme) => void) {
    this.#tell = tell;
  }

  tell(pending: readonly PendingChallenge[]): Promise<void> {
    const version = ++this.#version;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, SERVED_MS);
    this.#waiting.set(version, () => {
      clearTimeout(timer);
      resolve();
    });
    this.#tell({ type: "challenges", version, pending });
    return promise.finally(() => this.#waiting.delete(version));
  }

  heard(version: number): void {
    this.#waiting.get(version)?.();
  }
}

/** A process of this machine that does not run any more. In a container others have the same numbers: these are waited for. */
function isGone(holder: string): boolean {
  const [host, pid] = holder.split(" ");
  if (host !== hostname() || !/^\d+$/.test(pid ?? "")) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

async function pause(ms: number, cut: AbortSignal): Promise<void> {
  if (cut.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  cut.addEventListener("abort", () => resolve(), { once: true });
  await promise;
  clearTimeout(timer);
}
