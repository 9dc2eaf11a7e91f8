/** Collectors that decode what they are sent, over real sockets, and misbehave when they are told to. */

import { gunzipSync } from "node:zlib";
import { type Metadata, Server, ServerCredentials, type ServiceError, type status } from "@grpc/grpc-js";
import { type DecodedExport, type DecodedSpan, decodeExport } from "./decode.ts";

/** One request as it came. */
export interface Received {
  readonly headers: Readonly<Record<string, string>>;
  readonly path: string;
  readonly decoded: DecodedExport;
}

/** What was received, and how to end it. */
export interface Collector {
  readonly port: number;
  readonly received: readonly Received[];
  readonly spans: () => readonly DecodedSpan[];
  readonly stop: () => Promise<void>;
}

/** @param answer to the request of this number, from 0; `null` = as it should. */
export function startHttpCollector(
  answer: (number: number) => Response | Promise<Response> | null = () => null,
  tls?: { readonly cert: string; readonly key: string; readonly ca?: string },
  port = 0,
): Collector {
  const received: Received[] = [];
  let count = 0;
  const server = Bun.serve({
    port,
    hostname: "127.0.0.1",
    ...(tls === undefined
      ? {}
      : {
          tls: {
            cert: tls.cert,
            key: tls.key,
            ...(tls.ca ? { ca: tls.ca, requestCert: true, rejectUnauthorized: true } : {}),
          },
        }),
    fetch: async (request) => {
      const bytes = Buffer.from(await request.arrayBuffer());
      const own = answer(count++);
      if (own !== null) return own;
      const body = request.headers.get("content-encoding") === "gzip" ? gunzipSync(bytes) : bytes;
      received.push({
        headers: Object.fromEntries(request.headers.entries()),
        path: new URL(request.url).pathname,
        decoded: decodeExport(body),
      });
      return new Response(new Uint8Array(), { headers: { "content-type": "application/x-protobuf" } });
    },
  });
  return {
    port: server.port as number,
    received,
    spans: () => received.flatMap(({ decoded }) => decoded.spans),
    stop: () => server.stop(true),
  };
}

/** What a gRPC collector does with a request; `null` = it takes it. */
export type GrpcAnswer =
  | { readonly error: { readonly code: status; readonly details: string; readonly metadata?: Metadata } }
  | { readonly response: Buffer }
  | "hang"
  | null;

/** @param answer to the request of this number, from 0. */
export async function startGrpcCollector(
  answer: (number: number) => GrpcAnswer = () => null,
  tls?: { readonly cert: string; readonly key: string; readonly ca?: string },
): Promise<Collector> {
  const received: Received[] = [];
  let count = 0;
  const server = new Server();
  const same = (bytes: Buffer) => bytes;
  const path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
  const method = { path, requestStream: false, responseStream: false };
  const io = { requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same };
  server.addService(
    { Export: { ...method, ...io } },
    {
      Export: (
        call: { request: Buffer; metadata: Metadata },
        done: (error: Partial<ServiceError> | null, response?: Buffer) => void,
      ) => {
        const own = answer(count++);
        if (own === "hang") return;
        if (own !== null && "error" in own) {
          done(own.error);
          return;
        }
        const headers = Object.entries(call.metadata.getMap()).map(([name, value]) => [name, String(value)]);
        received.push({ headers: Object.fromEntries(headers), path, decoded: decodeExport(call.request) });
        done(null, own?.response ?? Buffer.alloc(0));
      },
    },
  );
  const credentials =
    tls === undefined
      ? ServerCredentials.createInsecure()
      : ServerCredentials.createSsl(
          tls.ca === undefined ? null : Buffer.from(tls.ca),
          [{ cert_chain: Buffer.from(tls.cert), private_key: Buffer.from(tls.key) }],
          tls.ca !== undefined,
        );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  return {
    port,
    received,
    spans: () => received.flatMap(({ decoded }) => decoded.spans),
    stop: async () => server.forceShutdown(),
  };
}
