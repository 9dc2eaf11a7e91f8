/** The request that is asked about, as a client would send it: nothing of what was typed is put right. */
import { RequestHead } from "../../proxy/http1/head.ts";
import { refusalOf } from "../../proxy/http1/parse-error.ts";
import { parseRequestHead } from "../../proxy/http1/request-parser.ts";

/** A request that was put together. */
export interface AskedRequest {
  readonly buf: Buffer;
  readonly head: RequestHead;
  /** For people. */
  readonly method: string;
  readonly host: string;
  readonly target: string;
  /** It comes over TLS. */
  readonly secure: boolean;
}

/** The request cannot be one; `message` says why, and what would be right. */
export class BadRequestError extends Error {
  override readonly name = "BadRequestError";
}

/**
 * Puts it together.
 * @param url `http://host/path`, `host/path`, or a path alone.
 * @param lines fields as `Name: value`.
 */
export function askedRequest(method: string, url: string, lines: readonly string[]): AskedRequest {
  const { scheme, authority, target } = splitUrl(url);
  const fields = lines.map(readField);
  const hosts = fields.filter(({ name }) => name.toLowerCase() === "host");
  const host = hosts.at(-1)?.value ?? authority;
  const rest = fields.filter((field) => !hosts.includes(field));
  const head = new RequestHead();
  // Without a host it is a request of HTTP/1.0: those may have none.
  const start = `${method} ${target} HTTP/1.${host === "" ? 0 : 1}`;
  const all = host === "" ? rest : [{ name: "Host", value: host }, ...rest];
  const text = [start, ...all.map(({ name, value }) => `${name}: ${value}`), "", ""].join("\r\n");
  const buf = Buffer.from(text);
  const limits = { maxHeadBytes: buf.length + 1, maxFields: 256 };
  const result = parseRequestHead(buf, 0, buf.length, head, limits);
  if (result <= 0) {
    const { status, message } = refusalOf(result);
    throw new BadRequestError(`no server would be asked: such a request is refused with ${status}, ${message}`);
  }
  return { buf, head, method, host, target, secure: scheme === "https" };
}

function splitUrl(url: string): { readonly scheme: string; readonly authority: string; readonly target: string } {
  const text = url.split("#", 1)[0];
  if (text.startsWith("/") || text === "*") return { scheme: "http", authority: "", target: text };
  const match = /^(?:([a-z][a-z0-9+.-]*):\/\/)?([^/?]+)(.*)$/i.exec(text);
  const scheme = match?.[1]?.toLowerCase() ?? "http";
  if (match === null || (scheme !== "http" && scheme !== "https")) {
    throw new BadRequestError(
      `${url} is no address: write https://shop.example/path, or /path and -H "Host: shop.example"`,
    );
  }
  const [, , authority, rest] = match;
  return { scheme, authority, target: rest.startsWith("/") ? rest : `/${rest}` };
}

function readField(line: string): { readonly name: string; readonly value: string } {
  const colon = line.indexOf(":");
  if (colon < 1) throw new BadRequestError(`${line} is no header field: write it as "Name: value"`);
  return { name: line.slice(0, colon).trim(), value: line.slice(colon + 1).trim() };
}
