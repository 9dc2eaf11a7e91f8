/** A server of gRPC whose health is as the test says. */
import { Server, ServerCredentials } from "@grpc/grpc-js";

/** Numbers of `grpc.health.v1.HealthCheckResponse.ServingStatus`. */
export const Serving = { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2 } as const;

/** A server that is there. */
export interface GrpcHealthServer {
  readonly port: number;
  stop(): void;
}

const NOT_FOUND = 5;
/** Tag and length of field 1. */
const NAME_AT = 2;

/**
 * @param health by the name of the service, asked for with each check; `null` = it offers no such thing.
 */
export async function startGrpcHealthServer(
  health: Readonly<Record<string, number>> | null,
): Promise<GrpcHealthServer> {
  const server = new Server();
  if (health !== null) {
    const check = {
      path: "/grpc.health.v1.Health/Check",
      requestStream: false,
      responseStream: false,
      requestSerialize: (bytes: Buffer) => bytes,
      requestDeserialize: (bytes: Buffer) => ({ service: bytes.toString("utf8", NAME_AT) }),
      responseSerialize: (status: number) => Buffer.from([0x08, status]),
      responseDeserialize: (bytes: Buffer) => bytes[1],
    };
    server.addService(
      { check },
      {
        check: (
          { request }: { request: { service: string } },
          callback: (error: object | null, status?: number) => void,
        ) => {
          const status = health[request.service];
          if (status === undefined) callback({ code: NOT_FOUND, message: "unknown service" });
          else callback(null, status);
        },
      },
    );
  }
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return { port, stop: () => server.forceShutdown() };
}
