/** Asks the admin port of a running instance. */
import { admin } from "../config/sections/process.ts";

/** Where it is unless told otherwise: where an instance has it unless told otherwise. */
export const DEFAULT_ADMIN = `http://${admin.settings.host.default}:${admin.settings.port.default}`;
const TIMEOUT_MS = 5000;

/** Where the admin port is, and what it asks for. */
export interface AdminFlags {
  readonly admin: string;
  /** `ADMIN_TOKEN`. */
  readonly token?: string;
}

/** The response's JSON. @param body makes it a POST. Rejects with an `Error` made for the operator. */
export async function askAdmin({ admin: address, token }: AdminFlags, path: string, body?: object): Promise<unknown> {
  if (!URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol)) {
    throw new Error(`--admin must be a URL such as ${DEFAULT_ADMIN}, not ${address}`);
  }
  const url = new URL(path, address);
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  if (body !== undefined) headers["content-type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(url, {
      method: body === undefined ? "GET" : "POST",
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (cause) {
    const why = (cause as Error).message;
    throw new Error(`no admin port answers at ${url.origin}: ${why} (--admin names another, see ADMIN_PORT)`, {
      cause,
    });
  }
  const text = await response.text();
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new Error(`${url.origin} answers ${response.status} without JSON: is that the admin port of an instance?`);
  }
  if (response.ok) return answer;
  throw new Error((answer as { detail?: string }).detail ?? `it answers ${response.status}`);
}
