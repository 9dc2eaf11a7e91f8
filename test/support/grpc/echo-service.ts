/** A service of gRPC with a method of each kind, as `@grpc/grpc-js` serves and calls it. Messages are bytes. */
import {
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientWritableStream,
  credentials,
  type Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";

const same = (bytes: Buffer): Buffer => bytes;
const CODEC = { requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same };
const method = (name: string, requestStream: boolean, responseStream: boolean) => ({
  path: `/test.Echo/${name}`,
  requestStream,
  responseStream,
  ...CODEC,
});
const METHODS = {
  Unary: method("Unary", false, false),
  ClientStream: method("ClientStream", true, false),
  ServerStream: method("ServerStream", false, true),
  Bidi: method("Bidi", true, true),
} as const;

/** What a server does with calls; each is told the first message, if there is one. */
export interface EchoBehaviour {
  /** @returns what to answer with; `null` = nothing, ever. */
  unary?(message: Buffer, metadata: Metadata): Buffer | Partial<ServiceError> | null;
  serverStream?(call: ServerWritableStream<Buffer, Buffer>): void;
  clientStream?(call: ServerReadableStream<Buffer, Buffer>, callback: sendUnaryData<Buffer>): void;
}

/** A server that is there. */
export interface EchoServer {
  readonly port: number;
  /** Calls that were cancelled. */
  readonly cancelled: string[];
  stop(): void;
  /** Takes no more calls, tells its clients so (GOAWAY), and resolves when those under way have ended. */
  drain(): Promise<void>;
}

/** Starts one on a free port, or on this one. */
export async function startEchoServer(behaviour: EchoBehaviour = {}, port = 0): Promise<EchoServer> {
  const cancelled: string[] = [];
  const server = new Server();
  const implementation: UntypedServiceImplementation = {
    Unary(call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) {
      call.on("cancelled", () => cancelled.push("Unary"));
      const answer = behaviour.unary === undefined ? call.request : behaviour.unary(call.request, call.metadata);
      if (answer === null) return;
      if (Buffer.isBuffer(answer)) callback(null, answer);
      else callback(answer);
    },
    ClientStream(call: ServerReadableStream<Buffer, Buffer>, callback: sendUnaryData<Buffer>) {
      call.on("cancelled", () => cancelled.push("ClientStream"));
      if (behaviour.clientStream !== undefined) {
        behaviour.clientStream(call, callback);
        return;
      }
      const messages: Buffer[] = [];
      call.on("data", (message: Buffer) => messages.push(message));
      call.on("end", () => callback(null, Buffer.concat(messages)));
    },
    ServerStream(call: ServerWritableStream<Buffer, Buffer>) {
      call.on("cancelled", () => cancelled.push("ServerStream"));
      if (behaviour.serverStream !== undefined) {
        behaviour.serverStream(call);
        return;
      }
      for (const byte of call.request) call.write(Buffer.from([byte]));
      call.end();
    },
    Bidi(call: ServerDuplexStream<Buffer, Buffer>) {
      call.on("data", (message: Buffer) => call.write(message));
      call.on("end", () => call.end());
      call.on("cancelled", () => cancelled.push("Bidi"));
    },
  };
  server.addService(METHODS, implementation);
  const bound = await new Promise<number>((resolve, reject) =>
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, found) =>
      error ? reject(error) : resolve(found),
    ),
  );
  return {
    port: bound,
    cancelled,
    stop: () => server.forceShutdown(),
    drain: () => new Promise((resolve, reject) => server.tryShutdown((error) => (error ? reject(error) : resolve()))),
  };
}

/** How a call ended, and what came of it. */
export interface CallResult {
  /** 0 = well. */
  readonly code: number;
  readonly details: string;
  readonly messages: readonly Buffer[];
}

/** Calls the service at a port of this machine. */
export class EchoClient {
  readonly #client: Client;

  constructor(port: number) {
    this.#client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), { "grpc.enable_retries": 0 });
  }

  /** @param deadlineMs from now; not there = none. */
  unary(message: Buffer, deadlineMs?: number): Promise<CallResult> {
    const options = deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
    return new Promise((resolve) =>
      this.#client.makeUnaryRequest(METHODS.Unary.path, same, same, message, options, (error, answer) =>
        resolve({ code: error?.code ?? 0, details: error?.details ?? "", messages: answer ? [answer] : [] }),
      ),
    );
  }

  /** @param pace waited for before each message. */
  clientStream(
    messages: readonly Buffer[],
    pace: ((index: number) => Promise<unknown>) | null = null,
  ): Promise<CallResult> {
    return new Promise((resolve, reject) => {
      const call: ClientWritableStream<Buffer> = this.#client.makeClientStreamRequest(
        METHODS.ClientStream.path,
        same,
        same,
        (error, answer) =>
          resolve({ code: error?.code ?? 0, details: error?.details ?? "", messages: answer ? [answer] : [] }),
      );
      if (pace === null) {
        for (const message of messages) call.write(message);
        call.end();
      } else {
        void writeAtPace(call, messages, pace).catch(reject);
      }
    });
  }

  /** @param onMessage told of each; what it throws is not caught. */
  serverStream(
    message: Buffer,
    onMessage: (call: ClientReadableStream<Buffer>) => void = () => {},
  ): Promise<CallResult> {
    return collect(this.#client.makeServerStreamRequest(METHODS.ServerStream.path, same, same, message), onMessage);
  }

  bidi(): ClientDuplexStream<Buffer, Buffer> {
    return this.#client.makeBidiStreamRequest(METHODS.Bidi.path, same, same);
  }

  close(): void {
    this.#client.close();
  }
}

/** What comes of a call whose messages come one by one. */
export function collect<T extends ClientReadableStream<Buffer> | ClientDuplexStream<Buffer, Buffer>>(
  call: T,
  onMessage: (call: T) => void = () => {},
): Promise<CallResult> {
  const messages: Buffer[] = [];
  return new Promise((resolve) => {
    call.on("data", (message: Buffer) => {
      messages.push(message);
      onMessage(call);
    });
    call.on("error", () => {}); // its status says it, too
    call.on("status", ({ code, details }) => resolve({ code, details, messages }));
  });
}

async function writeAtPace(
  call: ClientWritableStream<Buffer>,
  messages: readonly Buffer[],
  pace: (index: number) => Promise<unknown>,
): Promise<void> {
  for (const [index, message] of messages.entries()) {
    await pace(index);
    call.write(message);
  }
  call.end();
}
