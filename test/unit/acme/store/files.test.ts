/** What is kept: by its owner alone, old or new and never half, and one order at a time. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Challenges } from "../../../../src/acme/challenges.ts";
import { AccountStore } from "../../../../src/acme/store/account-store.ts";
import { CertificateStore, type Tries } from "../../../../src/acme/store/certificate-store.ts";
import { Lease } from "../../../../src/acme/store/lease.ts";
import type { PendingChallenge } from "../../../../src/protocol/acme.ts";
import { makeSelfSigned } from "../../../../src/shared/x509/self-signed.ts";
import { recordingLogger } from "../../../support/recording-logger.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "nb-acme-files-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const DAY = 86_400_000;
const nowMs = Date.UTC(2026, 10, 30);

describe("certificates", () => {
  const tries: Tries = { directoryUrl: "https://a/d", keyType: "ecdsa", failures: 2, lastError: null, nextTryAtMs: 5 };

  test("chain and key are one file, for its owner alone, and are read back with their dates", () => {
    const store = new CertificateStore(directory, "1");
    expect(store.validity("a.test")).toBeNull();
    const { certPem: chainPem, keyPem } = makeSelfSigned({ name: "a.test", subject: "a", nowMs, days: 90 });
    const validity = { fromMs: nowMs - DAY, expiresAtMs: nowMs + 90 * DAY };
    expect(store.keep("a.test", { chainPem, keyPem })).toEqual(validity);
    expect(store.validity("a.test")).toEqual(validity);
    expect(new CertificateStore(directory, "2").validity("a.test")).toEqual(validity);
    const file = join(directory, "certificates", "a.test.pem");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(directory, "certificates"))).toEqual(["a.test.pem"]);
    expect(readFileSync(file, "utf8")).toContain("PRIVATE KEY");
  });

  test("one for another name is not kept", () => {
    const store = new CertificateStore(directory, "1");
    const { certPem: chainPem, keyPem } = makeSelfSigned({ name: "b.test", subject: "b", nowMs, days: 90 });
    expect(() => store.keep("a.test", { chainPem, keyPem })).toThrow("is not for a.test");
    expect(store.validity("a.test")).toBeNull();
  });

  test("tries are known to who comes next; damaged ones are as if there were none", () => {
    const store = new CertificateStore(directory, "1");
    store.noteTries("a.test", tries);
    expect(new CertificateStore(directory, "2").tries("a.test")).toEqual(tries);
    writeFileSync(join(directory, "tries", "a.test.json"), "{");
    expect(store.tries("a.test")).toBeNull();
    store.noteTries("a.test", { ...tries, failures: 3 });
    expect(store.tries("a.test")?.failures).toBe(3);
  });
});

describe("accounts", () => {
  test("each CA has its own; one that is damaged is not replaced by another", () => {
    const store = new AccountStore(directory, "1");
    const account = { keyPem: "-----BEGIN PRIVATE KEY-----\n", url: "https://a/acct/1" };
    store.write("https://a/dir", account);
    expect(store.read("https://a/dir")).toEqual(account);
    expect(store.read("https://b/dir")).toBeNull();
    const [name] = readdirSync(join(directory, "accounts"));
    expect(statSync(join(directory, "accounts", name)).mode & 0o777).toBe(0o600);
    writeFileSync(join(directory, "accounts", name), "{}");
    expect(() => store.read("https://a/dir")).toThrow("is damaged: mend it, or remove it");
  });
});

describe("the lease", () => {
  const lease = (holder: string, wallMs = nowMs, isGone = (_: string) => false) =>
    new Lease(directory, holder, () => wallMs, isGone);
  const touched = (ms: number) => utimesSync(join(directory, "order.lock"), ms / 1000, ms / 1000);

  test("one has it, until it lets go of it", () => {
    const [one, other] = [lease("one"), lease("other")];
    expect(one.take()).toBe(true);
    touched(nowMs);
    expect(other.take()).toBe(false);
    other.release();
    expect(other.take()).toBe(false);
    one.release();
    expect(other.take()).toBe(true);
    other.release();
  });

  test("whose directory cannot be used any more is let go of all the same", () => {
    const one = lease("one");
    expect(one.take()).toBe(true);
    rmSync(join(directory, "order.lock"));
    mkdirSync(join(directory, "order.lock"));
    expect(() => one.release()).not.toThrow();
  });

  test("of one that is known to be gone, or has not touched it for a minute, it is taken", () => {
    const one = lease("one");
    expect(one.take()).toBe(true);
    touched(nowMs);
    expect(lease("other", nowMs + 59_000).take()).toBe(false);
    const third = lease("third", nowMs, (holder) => holder === "one");
    expect(third.take()).toBe(true);
    one.release(); // no longer its own
    touched(nowMs);
    const fourth = lease("fourth", nowMs + 61_000);
    expect(fourth.take()).toBe(true);
    for (const each of [third, fourth]) each.release();
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe("challenges", () => {
  const challenge: PendingChallenge = { kind: "http-01", token: "a-token-of-some-length", keyAuthorization: "x.y" };
  const make = (wallMs = Date.now) => {
    const told: (readonly PendingChallenge[])[] = [];
    const pauses: number[] = [];
    const challenges = new Challenges({
      directory,
      mark: "1",
      log: recordingLogger().log,
      wallMs,
      tell: async (pending) => void told.push(pending),
      pause: async (ms) => void pauses.push(ms),
    });
    return { challenges, told, pauses };
  };

  test("those who share the directory answer, from before the CA is told until it has asked", async () => {
    const [one, other] = [make(), make()];
    await one.challenges.present(challenge, new AbortController().signal);
    expect(one.told).toEqual([[challenge]]);
    expect(one.pauses).toHaveLength(1);
    other.challenges.look();
    other.challenges.look();
    expect(other.told).toEqual([[challenge]]);
    await one.challenges.withdraw();
    other.challenges.look();
    expect(one.told.at(-1)).toEqual([]);
    expect(other.told.at(-1)).toEqual([]);
    expect(readdirSync(join(directory, "challenges"))).toEqual([]);
  });

  test("what somebody left behind is removed, what is none is not answered, and no more than 64 are", () => {
    const folder = join(directory, "challenges");
    mkdirSync(folder);
    writeFileSync(join(folder, "none.json"), '{"kind":"http-01","token":"../../x","keyAuthorization":"x"}');
    writeFileSync(join(folder, "broken.json"), "{");
    const one = make();
    one.challenges.look();
    expect(one.told).toEqual([]);
    for (let i = 0; i < 100; i++) {
      writeFileSync(join(folder, `${i}.json`), JSON.stringify({ ...challenge, token: `token-of-some-length-${i}` }));
    }
    one.challenges.look();
    expect(one.told.at(-1)?.length).toBeLessThanOrEqual(64);
    const later = make(() => Date.now() + 16 * 60_000);
    for (let i = 0; i < 3; i++) later.challenges.look();
    expect(later.told).toEqual([]);
    expect(readdirSync(folder).length).toBeLessThanOrEqual(2);
  });
});
