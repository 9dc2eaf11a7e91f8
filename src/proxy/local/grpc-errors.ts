/** What the client of a call of gRPC is told of a failure: a status of gRPC in a response that is well as far as HTTP goes. */

import { GrpcStatus } from "../../shared/grpc-status.ts";
import { type Failure, Failures } from "../failure.ts";
import { grpcMessage } from "../grpc/grpc-message.ts";
import { PROXY_NAME } from "../rewrite/request.ts";
import type { LocalResponse } from "./response.ts";

/** There was no room: less would be more. */
const SHED: ReadonlySet<Failure> = new Set([
  Failures.QUEUE_FULL,
  Failures.QUEUE_TIMEOUT,
  Failures.QUEUE_SHED,
  Failures.OVERLOADED,
]);

/** By the status that other clients get; the rest is `UNAVAILABLE`. */
const BY_STATUS: Readonly<Record<number, number>> = {
  400: GrpcStatus.INTERNAL,
  403: GrpcStatus.PERMISSION_DENIED,
  404: GrpcStatus.UNIMPLEMENTED,
  405: GrpcStatus.UNIMPLEMENTED,
  408: GrpcStatus.DEADLINE_EXCEEDED,
  413: GrpcStatus.RESOURCE_EXHAUSTED,
  429: GrpcStatus.RESOURCE_EXHAUSTED,
  500: GrpcStatus.INTERNAL,
  504: GrpcStatus.DEADLINE_EXCEEDED,
};

/** `grpc-status` of a failure. */
export function grpcStatusFor(failure: Failure): number {
  if (SHED.has(failure)) return GrpcStatus.RESOURCE_EXHAUSTED;
  return BY_STATUS[failure.status] ?? GrpcStatus.UNAVAILABLE;
}

/** The response for a failure, without messages. @param type the call's own Content-Type. */
export function grpcErrorResponse(failure: Failure, requestId: string, type: string): LocalResponse {
  return {
    status: 200,
    type,
    body: "",
    fields: [
      ["grpc-status", `${grpcStatusFor(failure)}`],
      ["grpc-message", grpcMessage(`${failure.message} (${failure.code})`)],
      ["Proxy-Status", `${PROXY_NAME}; error=${failure.proxyError}; details="${failure.code}"`],
      ["X-Request-Id", requestId],
    ],
  };
}
