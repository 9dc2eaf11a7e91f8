/** One order at a time, each at its time, and what becomes of failures. */
import { beforeEach, describe, expect, test } from "bun:test";
import type { Authority, Issued, Order } from "../../../src/acme/authority/authority.ts";
import { CaError } from "../../../src/acme/authority/problem.ts";
import { Renewals } from "../../../src/acme/renewals.ts";
import type { Tries, Validity } from "../../../src/acme/store/certificate-store.ts";
import type { AcmeCertificate, FromAcme } from "../../../src/protocol/acme.ts";
import { recordingLogger } from "../../support/recording-logger.ts";

const DAY = 86_400_000;
const LIFETIME = 90 * DAY;

let nowMs: number;
let told: FromAcme[];
let orders: { readonly order: Order; readonly end: PromiseWithResolvers<Issued> }[];
let validities: Map<string, Validity>;
let tries: Map<string, Tries>;
let held: boolean;
let full: boolean;

beforeEach(() => {
  nowMs = 1_000_000;
  [told, orders] = [[], []];
  [validities, tries] = [new Map(), new Map()];
  [held, full] = [false, false];
});

const authority: Authority = {
  order(order) {
    const end = Promise.withResolvers<Issued>();
    orders.push({ order, end });
    order.cut.addEventListener("abort", () => end.reject(new CaError("it was broken off")));
    return end.promise;
  },
};

function make(domains: readonly string[], more: { directoryUrl?: string; keyType?: "rsa" } = {}): Renewals {
  return new Renewals({
    settings: { domains, challenge: "http-01", keyType: "ecdsa", directoryUrl: "https://ca.test/dir", ...more },
    store: {
      validity: (name) => validities.get(name) ?? null,
      tries: (name) => tries.get(name) ?? null,
      keep: (name) => {
        const validity = { fromMs: nowMs, expiresAtMs: nowMs + LIFETIME };
        validities.set(name, validity);
        return validity;
      },
      noteTries: (name, noted) => {
        if (full) throw new Error("no space left");
        tries.set(name, noted);
      },
    },
    lease: { take: () => !held, release: () => {} },
    authority,
    challenges: { present: async () => {}, withdraw: async () => {} },
    log: recordingLogger().log,
    tell: (message) => told.push(message),
    wallMs: () => nowMs,
    random: () => 0,
  });
}

const ISSUED: Issued = { chainPem: "chain", keyPem: "key" };
const settle = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};
const state = (name: string): AcmeCertificate | undefined =>
  told
    .flatMap((message) => (message.type === "state" ? [message.certificates] : []))
    .at(-1)
    ?.find((one) => one.name === name);

async function succeed(): Promise<void> {
  orders.at(-1)?.end.resolve(ISSUED);
  await settle();
}

async function fail(error: Error): Promise<void> {
  orders.at(-1)?.end.reject(error);
  await settle();
}

describe("renewals", () => {
  test("what is missing is asked for at once, one name after the other", async () => {
    const renewals = make(["a.test", "b.test"]);
    renewals.tick();
    renewals.tick();
    expect(orders.map(({ order }) => order.name)).toEqual(["a.test"]);
    expect(state("a.test")?.state).toBe("ordering");
    await succeed();
    renewals.tick();
    expect(orders.map(({ order }) => order.name)).toEqual(["a.test", "b.test"]);
    await succeed();
    renewals.tick();
    expect(told.filter(({ type }) => type === "issued")).toHaveLength(2);
    expect(state("a.test")).toMatchObject({ state: "waiting", failures: 0, lastError: null });
  });

  test("renewed when a third is left, and not before", async () => {
    const renewals = make(["a.test"]);
    renewals.tick();
    await succeed();
    nowMs += (LIFETIME * 2) / 3 - 1_000;
    renewals.tick();
    expect(orders).toHaveLength(1);
    nowMs += 2_000;
    renewals.tick();
    expect(orders).toHaveLength(2);
  });

  test("a failure is waited after, longer each time, over restarts too; what went wrong is known until it goes well", async () => {
    make(["a.test"]).tick();
    await fail(new CaError("no such host"));
    const again = make(["a.test"]);
    again.tick();
    expect(orders).toHaveLength(1);
    expect(state("a.test")).toMatchObject({ state: "failing", failures: 1, lastError: { message: "no such host" } });
    nowMs = (state("a.test")?.nextTryAtMs ?? 0) + 1;
    again.tick();
    expect(orders).toHaveLength(2);
    const firstWait = told.find(({ type }) => type === "refused");
    await fail(new CaError("no such host"));
    again.tick();
    expect((state("a.test")?.nextTryAtMs ?? 0) - nowMs).toBeGreaterThan(120_000);
    expect(firstWait).toMatchObject({ name: "a.test", message: "no such host" });
    nowMs = (state("a.test")?.nextTryAtMs ?? 0) + 1;
    again.tick();
    await succeed();
    again.tick();
    expect(state("a.test")).toMatchObject({ state: "waiting", failures: 0, lastError: null });
  });

  test("a CA that says that it is asked too often is left alone for as long as it says", async () => {
    const renewals = make(["a.test"]);
    renewals.tick();
    await fail(new CaError("slow down", { rateLimited: true, retryAfterMs: 5 * DAY }));
    renewals.tick();
    expect(state("a.test")?.nextTryAtMs).toBe(nowMs + 5 * DAY);
  });

  test("an order that takes the process with it counts as a try", () => {
    make(["a.test"]).tick();
    expect(tries.get("a.test")).toMatchObject({ failures: 1, lastError: { message: "it was broken off" } });
    const after = make(["a.test"]);
    after.tick();
    expect(orders).toHaveLength(1);
  });

  test("where nothing can be written no order is made, and the wait holds all the same", async () => {
    full = true;
    const renewals = make(["a.test"]);
    renewals.tick();
    await settle();
    renewals.tick();
    expect(orders).toHaveLength(0);
    expect(state("a.test")).toMatchObject({ state: "failing", lastError: { message: "no space left" } });
    nowMs += 60_000;
    renewals.tick();
    await settle();
    expect(told.filter(({ type }) => type === "refused")).toHaveLength(1);
  });

  test("another one orders: it is waited for, and what it has got is not asked for again", async () => {
    held = true;
    const renewals = make(["a.test"]);
    renewals.tick();
    expect(orders).toHaveLength(0);
    held = false;
    renewals.tick();
    expect(orders).toHaveLength(0);
    validities.set("a.test", { fromMs: nowMs, expiresAtMs: nowMs + LIFETIME });
    nowMs += 10_000;
    renewals.tick();
    expect(orders).toHaveLength(0);
  });

  test("another CA and another kind of key are asked at once", async () => {
    const first = make(["a.test"]);
    first.tick();
    await succeed();
    make(["a.test"]).tick();
    expect(orders).toHaveLength(1);
    make(["a.test"], { directoryUrl: "https://other.test/dir" }).tick();
    expect(orders).toHaveLength(2);
    await succeed();
    make(["a.test"], { directoryUrl: "https://other.test/dir", keyType: "rsa" }).tick();
    expect(orders).toHaveLength(3);
  });

  test("somebody wants one now: it is asked for whenever its time would be, also after a failure", async () => {
    const renewals = make(["a.test"]);
    renewals.tick();
    await fail(new CaError("no"));
    renewals.renew("a.test");
    renewals.renew("unknown.test");
    renewals.tick();
    expect(orders).toHaveLength(2);
    await succeed();
    renewals.renew("a.test");
    renewals.tick();
    expect(orders).toHaveLength(3);
  });

  test("what is broken off by the end of the process is no failure", async () => {
    const renewals = make(["a.test"]);
    renewals.tick();
    const closed = renewals.close();
    await closed;
    expect(tries.get("a.test")).toMatchObject({ failures: 0, nextTryAtMs: null });
    expect(told.filter(({ type }) => type === "refused")).toEqual([]);
    renewals.tick();
    expect(orders).toHaveLength(1);
  });
});
