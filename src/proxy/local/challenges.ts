/** What CAs are answered that ask whether a name is ours (RFC 8555 section 8.3, RFC 8737), while they may ask. */
import type { PendingChallenge } from "../../protocol/acme.ts";
import type { TlsCertificate } from "../../protocol/worker.ts";
import { Method } from "../../shared/memory/series-table.ts";
import { equalBytes } from "../http1/copy.ts";
import type { RequestHead } from "../http1/head.ts";
import type { LocalResponse } from "./response.ts";

const PREFIX = Buffer.from("/.well-known/acme-challenge/");
const QUESTION_MARK = 63;

/** All of them at one time. */
export class PendingResponses {
  readonly #responses = new Map<string, LocalResponse>();
  /** What is shown in handshakes; null = none asks in that way. */
  readonly certificates: readonly TlsCertificate[] | null;

  constructor(challenges: readonly PendingChallenge[]) {
    const certificates: TlsCertificate[] = [];
    for (const challenge of challenges) {
      if (challenge.kind === "http-01") {
        const { token, keyAuthorization: body } = challenge;
        this.#responses.set(token, { status: 200, type: "application/octet-stream", body, fields: [] });
      } else {
        const { name, certPem, keyPem } = challenge;
        certificates.push({ certPem, keyPem, names: [name] });
      }
    }
    this.certificates = certificates.length === 0 ? null : certificates;
  }

  /** To the request in `head`, which was parsed from `bytes`; null = it is the site's. */
  responseTo(bytes: Buffer, head: RequestHead): LocalResponse | null {
    const { method, pathStart, targetEnd } = head;
    if (this.#responses.size === 0 || (method !== Method.GET && method !== Method.HEAD)) return null;
    const tokenStart = pathStart + PREFIX.length;
    if (targetEnd <= tokenStart || !equalBytes(bytes, pathStart, tokenStart, PREFIX)) return null;
    let end = tokenStart;
    while (end < targetEnd && bytes[end] !== QUESTION_MARK) end++;
    return this.#responses.get(bytes.toString("latin1", tokenStart, end)) ?? null;
  }
}
