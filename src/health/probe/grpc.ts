/** Checks by gRPC's own protocol for them, `grpc.health.v1.Health` (https://github.com/grpc/grpc/blob/master/doc/health-checking.md). */
import type { ProbeProblem } from "./dialogue.ts";
import type { Http2Reply } from "./http2.ts";
import type { ProbeReply } from "./response.ts";

/** Where it is asked. */
export const GRPC_HEALTH_PATH = "/grpc.health.v1.Health/Check";

/** Compression flag and length in front of a message. */
const PREFIX_BYTES = 5;
/** Field 1 of a message, as a string and as a number. */
const TEXT_FIELD_1 = 0x0a;
const NUMBER_FIELD_1 = 0x08;
const STATUSES = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"] as const;
const SERVING = 1;
const OK = 0;
const NOT_FOUND = 5;
const UNIMPLEMENTED = 12;

/** The question. @param service of the server; "" = all of it. */
export function grpcHealthRequest(service: string): Uint8Array {
  const name = Buffer.from(service);
  const message =
    name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([TEXT_FIELD_1, ...varint(name.length)]), name]);
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** What the answer means. */
export function readGrpcHealth(reply: Http2Reply, complete: boolean): ProbeReply | ProbeProblem | undefined {
  if (!complete) return undefined;
  if (reply.status !== 200) return { cause: "status", reason: `status ${reply.status} instead of an answer of gRPC` };
  const status = /^grpc-status:[ \t]*(\d+)/im.exec(reply.trailers || reply.head)?.[1];
  if (status === undefined) return { cause: "response", reason: "answer without grpc-status" };
  if (Number(status) === UNIMPLEMENTED) {
    return { cause: "status", reason: "the server does not offer grpc.health.v1.Health (grpc-status 12)" };
  }
  if (Number(status) === NOT_FOUND) return { cause: "status", reason: "the service is unknown (grpc-status 5)" };
  if (Number(status) !== OK) return { cause: "status", reason: `grpc-status ${status}` };
  const serving = servingStatus(reply.body);
  if (serving === SERVING) return { status: 200, body: "" };
  if (serving === null) return { cause: "response", reason: "answer is no message of grpc.health.v1" };
  return { cause: "status", reason: STATUSES[serving] ?? `health status ${serving}` };
}

/** Field 1 of the message; the default, where it has none; `null` = it is none. */
function servingStatus(body: Buffer): number | null {
  if (body.length < PREFIX_BYTES || body[0] !== 0 || body.readUInt32BE(1) !== body.length - PREFIX_BYTES) return null;
  if (body.length === PREFIX_BYTES) return 0;
  return body[PREFIX_BYTES] === NUMBER_FIELD_1 && body.length >= PREFIX_BYTES + 2 ? body[PREFIX_BYTES + 1] : null;
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
}
