/** A CA that speaks ACME (RFC 8555), by the library. */
import type { Order as AcmeOrder, Authorization, Client } from "acme-client";
import type { AcmeSettings, PendingChallenge } from "../../protocol/acme.ts";
import { makeSelfSigned } from "../../shared/x509/self-signed.ts";
import type { Account, AccountStore } from "../store/account-store.ts";
import type { Authority, Issued, Order } from "./authority.ts";
import { CaError, describeProblem, shown } from "./problem.ts";
import type { Transport } from "./transport.ts";

/** How often a CA is asked whether it is done: at first, and at most. */
const FIRST_POLL_MS = 500;
const LONGEST_POLL_MS = 10_000;
/** It has asked all that it wants to by then, or never will. */
const VALIDATION_MS = 120_000;
const RSA_BITS = 2048;
/** A challenge is over in seconds. */
const CHALLENGE_DAYS = 7;

/** What it is made from. */
export interface AcmeAuthorityOptions {
  readonly settings: Pick<AcmeSettings, "directoryUrl" | "email" | "externalAccount">;
  readonly accounts: AccountStore;
  readonly transport: Transport;
  readonly wallMs: () => number;
  readonly pause: (ms: number, cut: AbortSignal) => Promise<void>;
}

type Library = typeof import("acme-client");

/** Loaded with the first order: between renewals, weeks may pass. */
export class AcmeAuthority implements Authority {
  readonly #options: AcmeAuthorityOptions;
  #client: Client | null = null;

  constructor(options: AcmeAuthorityOptions) {
    this.#options = options;
  }

  async order(order: Order): Promise<Issued> {
    const { transport } = this.#options;
    const acme = await library();
    acme.axios.defaults.adapter = transport.adapter;
    transport.begin(order.cut);
    try {
      const { client, asked } = await this.#begin(acme, order.name);
      for (const authorization of await client.getAuthorizations(asked)) {
        if (authorization.status !== "valid") await this.#prove(client, authorization, order);
      }
      return await this.#collect(acme, client, asked, order);
    } catch (error) {
      throw error instanceof CaError ? error : new CaError((error as Error).message);
    }
  }

  /** A CA that was set up anew does not know the account that the one before it made: it gets another. */
  async #begin(acme: Library, name: string): Promise<{ client: Client; asked: AcmeOrder }> {
    const { accounts, settings } = this.#options;
    const order = { identifiers: [{ type: "dns", value: name }] };
    const client = await this.#withAccount(acme);
    try {
      return { client, asked: await client.createOrder(order) };
    } catch (error) {
      if (!(error instanceof CaError) || error.kind !== "accountDoesNotExist") throw error;
      this.#client = null;
      const known = accounts.read(settings.directoryUrl);
      if (known !== null) accounts.write(settings.directoryUrl, { ...known, url: null });
      const again = await this.#withAccount(acme);
      return { client: again, asked: await again.createOrder(order) };
    }
  }

  async #withAccount(acme: Library): Promise<Client> {
    if (this.#client !== null) return this.#client;
    const { accounts, settings } = this.#options;
    const { directoryUrl, email, externalAccount } = settings;
    const known = accounts.read(directoryUrl);
    const account: Account = known ?? { keyPem: (await acme.crypto.createPrivateEcdsaKey()).toString(), url: null };
    // Before the CA knows it: an account whose key is lost is of no use, and CAs count them.
    if (known === null) accounts.write(directoryUrl, account);
    const client = new acme.Client({
      directoryUrl,
      accountKey: account.keyPem,
      accountUrl: account.url ?? undefined,
      externalAccountBinding: externalAccount
        ? { kid: externalAccount.keyId, hmacKey: externalAccount.hmacKey }
        : undefined,
    });
    if (account.url === null) {
      try {
        const contact = email === null ? [] : [`mailto:${email}`];
        await client.createAccount({ termsOfServiceAgreed: true, contact });
      } catch (error) {
        if (error instanceof CaError) throw error;
        throw new CaError(`the CA makes no account: ${(error as Error).message}`);
      }
      accounts.write(directoryUrl, { ...account, url: client.getAccountUrl() });
    }
    this.#client = client;
    return client;
  }

  /** Shows that the name is ours. */
  async #prove(client: Client, authorization: Authorization, order: Order): Promise<void> {
    const { challenges, identifier } = authorization;
    if (identifier.value !== order.name) {
      throw new CaError(`the CA asks about ${shown(identifier.value)} instead of ${order.name}`);
    }
    const challenge = challenges.find(({ type }) => type === order.challenge);
    if (challenge === undefined) {
      const offered = challenges.map(({ type }) => type).join(", ");
      throw new CaError(`the CA offers no ${order.challenge} for ${order.name}, but ${offered || "nothing"}`);
    }
    const keyAuthorization = await this.#keyAuthorization(client, challenge.token, order);
    try {
      await order.present(keyAuthorization);
      await client.completeChallenge(challenge);
      await this.#until(order, `the CA has not looked at ${order.name}`, async () => {
        const [now] = await client.getAuthorizations({ authorizations: [authorization.url] } as unknown as AcmeOrder);
        if (now.status === "valid") return true;
        if (now.status === "pending") return null;
        const failed = now.challenges.find(({ type }) => type === order.challenge) as { readonly error?: unknown };
        throw new CaError(`${order.challenge} for ${order.name} failed: ${describeProblem(failed?.error)}`);
      });
    } finally {
      await order.withdraw();
    }
  }

  async #keyAuthorization(client: Client, token: string, { name, challenge }: Order): Promise<PendingChallenge> {
    // RFC 8555 section 8.1: base64url, and it stands in a path and in a file's name.
    if (!/^[\w-]{16,256}$/.test(token)) throw new CaError(`the token of the CA's challenge is none: ${shown(token)}`);
    if (challenge === "http-01") {
      const keyAuthorization = await client.getChallengeKeyAuthorization({ type: "http-01", token } as never);
      return { kind: "http-01", token, keyAuthorization };
    }
    // Of the library's two forms this is the one before it is hashed.
    const keyAuthorization = await client.getChallengeKeyAuthorization({ type: "http-01", token } as never);
    const nowMs = this.#options.wallMs();
    const made = makeSelfSigned({ name, subject: "challenge", nowMs, days: CHALLENGE_DAYS, keyAuthorization });
    return { kind: "tls-alpn-01", name, ...made };
  }

  async #collect(acme: Library, client: Client, asked: AcmeOrder, order: Order): Promise<Issued> {
    const { name, keyType } = order;
    const key =
      keyType === "rsa" ? await acme.crypto.createPrivateRsaKey(RSA_BITS) : await acme.crypto.createPrivateEcdsaKey();
    const [, csr] = await acme.crypto.createCsr({ commonName: name, altNames: [name] }, key);
    const ready = await this.#until(order, `the order for ${name} is not ready`, () =>
      orderWith(client, asked, ["ready", "valid"]),
    );
    if (ready.status === "ready") await client.finalizeOrder(ready, csr);
    const done = await this.#until(order, `the CA does not issue ${name}`, () => orderWith(client, asked, ["valid"]));
    const chainPem = await client.getCertificate(done);
    return { chainPem, keyPem: key.toString() };
  }

  /** Asks again and again, until it gives something. */
  async #until<T>({ cut }: Order, late: string, ask: () => Promise<T | null>): Promise<T> {
    const { pause, wallMs } = this.#options;
    const endMs = wallMs() + VALIDATION_MS;
    for (let waitMs = FIRST_POLL_MS; ; waitMs = Math.min(waitMs * 1.5, LONGEST_POLL_MS)) {
      const got = await ask();
      if (got !== null) return got;
      if (wallMs() > endMs) throw new CaError(`${late} within ${VALIDATION_MS / 1000} seconds`);
      await pause(waitMs, cut);
      if (cut.aborted) throw new CaError("it was broken off");
    }
  }
}

async function orderWith(client: Client, asked: AcmeOrder, states: readonly string[]): Promise<AcmeOrder | null> {
  const order = await client.getOrder(asked);
  if (order.status === "invalid") {
    throw new CaError(`the CA refuses the order: ${describeProblem((order as { readonly error?: unknown }).error)}`);
  }
  return states.includes(order.status) ? order : null;
}

async function library(): Promise<Library> {
  const loaded = await import("acme-client");
  return (loaded as unknown as { default?: Library }).default ?? loaded;
}
