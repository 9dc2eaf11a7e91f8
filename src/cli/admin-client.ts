/** Asks the admin port of a running instance. */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { loadProcessAdminSettings, type SourceFlags } from "../config/environment.ts";
import { type AdminSettings, admin } from "../config/sections/admin.ts";
import { isLoopbackUrl } from "../config/values/addresses.ts";
import type { AdminPlace } from "../control/supervisor/ports/admin-place.ts";
import { instanceOf, othersIn, urlOf } from "./find-instance.ts";
import { withSourceFlags } from "./source-flags.ts";

/** Where it is unless told otherwise: where an instance has it unless told otherwise. */
export const DEFAULT_ADMIN = `http://${admin.settings.host.default}:${admin.settings.port.default}`;
const TIMEOUT_MS = 5000;

/** Which instance is asked, and with which token; what is not there is found in the configuration. */
export interface AdminFlags extends SourceFlags {
  /** URL of its admin port. */
  readonly admin?: string;
  readonly token?: string;
  /** Authorities of its certificate. */
  readonly adminCa?: string;
  /** A certificate of the caller's, and its key. */
  readonly adminCert?: string;
  readonly adminKey?: string;
}

/** What is sent. */
export interface AdminRequest {
  /** GET unless there is a body, POST if there is one. */
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly body?: object;
  /** An `ETag` that the resource must still have. */
  readonly ifMatch?: string;
  /** Until the head of the response is there; 5 seconds unless said. */
  readonly timeoutMs?: number;
}

/** Adds `--admin`, `--token` and the flags of settings to a command that asks an instance. */
export function withAdminFlags(command: Command): Command {
  return withSourceFlags(
    command
      .option("--admin <url>", "where the instance's admin port is (default: where the configuration has it)")
      .option("--token <token>", "a token of its, where it has some (default: NEURABALANCER_TOKEN or ADMIN_TOKEN)")
      .option(
        "--admin-ca <file>",
        "authorities of its certificate (default: those of the system, or ADMIN_TLS_CERT_FILE where nobody else signed it)",
      )
      .option("--admin-cert <file>", "a certificate to show there, where it asks for one")
      .option("--admin-key <file>", "the key of that certificate"),
  );
}

/** The response's JSON; `undefined` for one without a body. Rejects with an `Error` made for the operator. */
export async function askAdmin(flags: AdminFlags, path: string, request: AdminRequest = {}): Promise<unknown> {
  const response = await fetchAdmin(flags, path, request);
  if (response.status === 204) return undefined;
  return parsed(await response.text(), response);
}

/** As `askAdmin`, for responses of any kind: the body is still to be read. Refusals reject with what they say. */
export async function fetchAdmin(flags: AdminFlags, path: string, request: AdminRequest = {}): Promise<Response> {
  const { address, token, certFile } = await whereFor(flags);
  if (!URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol)) {
    throw new Error(`--admin must be a URL such as ${DEFAULT_ADMIN}, not ${address}`);
  }
  const url = new URL(path, address);
  const { body, method = body === undefined ? "GET" : "POST", ifMatch, timeoutMs = TIMEOUT_MS } = request;
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  if (method !== "GET") headers["content-type"] = "application/json";
  if (ifMatch !== undefined) headers["if-match"] = ifMatch;
  const tls = tlsFor(flags, certFile);
  const late = new AbortController();
  const timer = setTimeout(
    () => late.abort(new Error(`there was no response within ${timeoutMs / 1000} s`)),
    timeoutMs,
  );
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: late.signal,
      tls,
      redirect: "manual", // the token is this instance's
      // No proxy of the environment leads to this machine itself: it would get the token, and answer for somebody else.
      ...(isLoopbackUrl(url) ? { proxy: false } : {}),
    });
  } catch (cause) {
    const why = reasonOf(cause as Error);
    const others = flags.admin === undefined ? othersIn(await places()) : "";
    throw new Error(`no admin port answers at ${url.origin}: ${why} (--admin names another, see ADMIN_PORT${others})`, {
      cause,
    });
  } finally {
    clearTimeout(timer);
  }
  if (response.ok) return response;
  const refusal = parsed(await response.text(), response) as { detail?: string } | null;
  if (response.status === 401 && token === undefined) {
    throw new Error(`${url.origin} asks for a token: set NEURABALANCER_TOKEN, or give --token`);
  }
  throw new Error(refusal?.detail ?? `it answers ${response.status}`);
}

/** The runtime's own sentence for a refused connection asks whether the computer is connected. */
function reasonOf(error: Error & { readonly code?: string }): string {
  return error.code === "ConnectionRefused" || error.code === "ECONNREFUSED" ? "connection refused" : error.message;
}

function parsed(text: string, { url, status }: Response): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const { origin } = new URL(url);
    throw new Error(`${origin} answers ${status} without JSON: is that the admin port of an instance?`);
  }
}

/**
 * What a connection over TLS needs. A certificate of the instance that nobody else has signed is known by itself, whatever
 * address it is reached at.
 */
function tlsFor({ adminCa, adminCert, adminKey }: AdminFlags, certFile: string | null) {
  const own = adminCa === undefined && certFile !== null ? readPem(certFile) : null;
  const ca = adminCa === undefined ? selfSigned(own) : readPem(adminCa);
  return {
    ...(ca === null ? {} : { ca }),
    ...(adminCert === undefined ? {} : { cert: readPem(adminCert) }),
    ...(adminKey === undefined ? {} : { key: readPem(adminKey) }),
    ...(adminCa === undefined && ca !== null ? { checkServerIdentity: () => undefined } : {}),
  };
}

/** The certificate, if it is its own authority. */
function selfSigned(pem: string | null): string | null {
  if (pem === null) return null;
  const certificate = new X509Certificate(pem);
  return certificate.checkIssued(certificate) ? pem : null;
}

function readPem(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new Error(`${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

interface Where {
  /** File of the certificate that the instance shows, when the configuration says it. */
  readonly certFile: string | null;
  readonly address: string;
  readonly token: string | undefined;
}

/** What the flags do not say, the configuration does. It may have nothing to say where both are given. */
async function whereFor(flags: AdminFlags): Promise<Where> {
  const { token } = flags;
  if (flags.admin !== undefined && token !== undefined) return { address: flags.admin, token, certFile: null };
  const loaded = await loadProcessAdminSettings(flags);
  if (!loaded.ok) {
    if (flags.admin !== undefined && flags.config === undefined) {
      return { address: flags.admin, token, certFile: null };
    }
    throw new Error(`where the admin port is cannot be read: ${loaded.problems.join("\n  - ")}`);
  }
  return {
    address: flags.admin ?? (await addressFor(loaded.admin)),
    token: token ?? loaded.token ?? undefined,
    certFile: flags.admin === undefined ? loaded.admin.tlsCertFile : null,
  };
}

/**
 * Where an instance with these settings is reached from this machine: where they say, unless that is the usual port or any. Then the
 * instance that was started in this directory says which it has. Rejects when nobody says it.
 */
export async function addressFor({ host, port, tlsCertFile }: AdminSettings): Promise<string> {
  const isSaid = port !== null && port > 0 && String(port) !== admin.settings.port.default;
  if (!isSaid && port !== null) {
    const found = instanceOf(process.cwd(), await places());
    if (found !== undefined) return urlOf(found);
  }
  if (port) return urlOf({ host, port, tls: tlsCertFile !== null });
  const others = othersIn(await places());
  throw new Error(`ADMIN_PORT does not say where the running instance's admin port is: name it by --admin${others}`);
}

/** Loaded only where they are looked for. */
async function places(): Promise<readonly AdminPlace[]> {
  const { adminPlaces } = await import("../control/supervisor/ports/admin-place.ts");
  return adminPlaces();
}
