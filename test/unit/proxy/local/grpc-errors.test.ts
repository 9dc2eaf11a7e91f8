import { expect, test } from "bun:test";
import { type Failure, Failures, refusedRequest } from "../../../../src/proxy/failure.ts";
import { grpcErrorResponse, grpcStatusFor } from "../../../../src/proxy/local/grpc-errors.ts";

test("every failure has a status of gRPC: 14 unless there is a better one", () => {
  const by = new Map<number, string[]>();
  for (const failure of Object.values(Failures) as Failure[]) {
    if (failure.status === 0) continue; // nobody is told of those
    const status = grpcStatusFor(failure);
    by.set(status, [...(by.get(status) ?? []), failure.code]);
  }
  expect(Object.fromEntries(by)).toMatchObject({
    4: expect.arrayContaining(["connect_timeout", "response_timeout", "try_timeout", "deadline_exceeded"]),
    7: expect.arrayContaining(["client_denied"]),
    8: ["queue_full", "queue_shed", "queue_timeout", "rate_limited", "overloaded", "body_too_large"],
    12: expect.arrayContaining(["no_route"]),
    13: expect.arrayContaining(["internal_error"]),
    14: expect.arrayContaining(["connect_refused", "no_server_available", "stream_refused", "bad_response"]),
  });
  expect(grpcStatusFor(refusedRequest(400, "invalid_chunk_size", ""))).toBe(13);
});

test("the response is well for HTTP, has no messages, and says why", () => {
  expect(grpcErrorResponse(Failures.NO_SERVER, "id-1", "application/grpc+proto")).toEqual({
    status: 200,
    type: "application/grpc+proto",
    body: "",
    fields: [
      ["grpc-status", "14"],
      ["grpc-message", "no healthy server is available (no_server_available)"],
      ["Proxy-Status", 'neurabalancer; error=destination_unavailable; details="no_server_available"'],
      ["X-Request-Id", "id-1"],
    ],
  });
});
