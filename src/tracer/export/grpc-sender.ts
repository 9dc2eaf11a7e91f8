/** OTLP over gRPC (OTLP specification, "OTLP/gRPC"). */

import { checkServerIdentity, type PeerCertificate } from "node:tls";
import { ChannelCredentials, Client, type ClientOptions, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import type { TracerSettings } from "../../protocol/tracer.ts";
import { readExportResponse } from "../encode/export-response.ts";
import { CollectorWords } from "./collector-words.ts";
import { retryInfoMs } from "./retry-info.ts";
import { MAX_RESPONSE_BYTES, type Sender, type SendResult } from "./sender.ts";

const METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
/** Those that may be tried again (OTLP specification, "Failures"); `RESOURCE_EXHAUSTED` only with a word when. */
const RETRYABLE: ReadonlySet<number> = new Set([
  status.CANCELLED,
  status.DEADLINE_EXCEEDED,
  status.ABORTED,
  status.OUT_OF_RANGE,
  status.UNAVAILABLE,
  status.DATA_LOSS,
]);
/** Asked for where the collector has an address and no name: it has whatever certificate it has for strangers. */
const NO_NAME = "address.invalid";
const DETAILS = "grpc-status-details-bin";

/** Where requests go, and how. */
export type GrpcSenderOptions = Pick<
  TracerSettings,
  "endpoint" | "headers" | "compression" | "caPem" | "certificate"
> & {
  readonly userAgent: string;
  /** Milliseconds since the epoch: deadlines are times of day here. */
  readonly wallMs: () => number;
};

export class GrpcSender implements Sender {
  readonly #client: Client;
  readonly #metadata = new Metadata();
  readonly #words: CollectorWords;
  readonly #wallMs: () => number;

  constructor({ endpoint, headers, compression, caPem, certificate, userAgent, wallMs }: GrpcSenderOptions) {
    const { protocol, host, hostname } = new URL(endpoint);
    const isAddress = /^(\[.*\]|[\d.]+)$/.test(hostname);
    const address = hostname.replace(/^\[(.*)\]$/, "$1");
    const pem = (text: string | undefined) => (text === undefined ? null : Buffer.from(text));
    const verify = {
      rejectUnauthorized: true, // whatever the environment says of certificates
      ...(isAddress && {
        checkServerIdentity: (_name: string, cert: PeerCertificate) => checkServerIdentity(address, cert),
      }),
    };
    const credentials =
      protocol === "https:"
        ? ChannelCredentials.createSsl(
            pem(caPem ?? undefined),
            pem(certificate?.keyPem),
            pem(certificate?.certPem),
            verify,
          )
        : ChannelCredentials.createInsecure();
    const options: ClientOptions = {
      "grpc.primary_user_agent": userAgent,
      // What the environment says of proxies is not for us, nor may anybody's name service configure this.
      "grpc.enable_http_proxy": 0,
      "grpc.service_config_disable_resolution": 1,
      "grpc.enable_retries": 0,
      "grpc.max_receive_message_length": MAX_RESPONSE_BYTES,
      "grpc.initial_reconnect_backoff_ms": 200,
      "grpc.max_reconnect_backoff_ms": 5_000,
      // An address is no name that TLS could ask for (RFC 6066 section 3), and the library would. The certificate must be the address's.
      ...(isAddress ? { "grpc.ssl_target_name_override": NO_NAME } : {}),
      ...(compression === "gzip" ? { "grpc.default_compression_algorithm": 2 } : {}),
    };
    // A URL leaves out the port that its scheme has by itself.
    const target = /:\d+$/.test(host) ? host : `${host}:${protocol === "https:" ? 443 : 80}`;
    this.#client = new Client(target, credentials, options);
    this.#wallMs = wallMs;
    this.#words = new CollectorWords(headers);
    for (const [name, value] of Object.entries(headers)) this.#metadata.set(name, value);
  }

  send(request: Buffer, timeoutMs: number): Promise<SendResult> {
    const { promise, resolve } = Promise.withResolvers<SendResult>();
    const deadline = this.#wallMs() + timeoutMs;
    const done = (error: ServiceError | null, response?: Buffer) => resolve(resultOf(error, response, this.#words));
    try {
      this.#client.makeUnaryRequest<Buffer, Buffer>(METHOD, same, same, request, this.#metadata, { deadline }, done);
    } catch (error) {
      resolve({ kind: "refused", reason: this.#words.of((error as Error).message) });
    }
    return promise;
  }

  close(): void {
    this.#client.close();
  }
}

function same(bytes: Buffer): Buffer {
  return bytes;
}

function resultOf(error: ServiceError | null, response: Buffer | undefined, words: CollectorWords): SendResult {
  if (error !== null) {
    const reason = `${status[error.code] ?? error.code}: ${words.of(error.details)}`;
    const details = error.metadata?.get(DETAILS)[0];
    const afterMs = details instanceof Uint8Array ? retryInfoMs(details) : null;
    const again = RETRYABLE.has(error.code) || (error.code === status.RESOURCE_EXHAUSTED && afterMs !== null);
    return again ? { kind: "later", afterMs, reason } : { kind: "refused", reason };
  }
  try {
    return { kind: "taken", ...readExportResponse(response ?? Buffer.alloc(0), words.of) };
  } catch (cause) {
    return { kind: "refused", reason: `it answered with what is no response of OTLP: ${(cause as Error).message}` };
  }
}
