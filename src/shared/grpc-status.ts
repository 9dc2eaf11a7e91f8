/** How calls of gRPC end (https://github.com/grpc/grpc/blob/master/doc/statuscodes.md). */

/** The codes that are named here. */
export const GrpcStatus = {
  OK: 0,
  UNKNOWN: 2,
  DEADLINE_EXCEEDED: 4,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
} as const;

/** What they are called, by code (https://grpc.io/docs/guides/status-codes/). */
export const GRPC_STATUS_NAMES: readonly string[] = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
];

/** No status was said. */
export const NO_GRPC_STATUS = -1;

/**
 * Whether a status says that the server has failed, as 5xx does: not that the call was wrong, nor that its client did not wait for
 * long enough.
 */
export function isGrpcFailure(status: number): boolean {
  return (
    status === GrpcStatus.UNKNOWN ||
    status === GrpcStatus.INTERNAL ||
    status === GrpcStatus.UNAVAILABLE ||
    status === GrpcStatus.DATA_LOSS
  );
}
