/** A proxy with servers of HTTP/2 behind it whose every frame the test chooses. */
import { Http2TestServer, type PeerStream } from "../../../../support/http2/server.ts";
import { cleanUp, type ProxyOptions, TestProxy } from "../../../../support/proxy-harness.ts";
import type { WireMessage } from "../../../../support/wire.ts";

/** What a test has opened. */
export const closing: (() => void)[] = [];

/** Ends all that a test has opened. */
export function closeAll(): void {
  cleanUp();
  for (const close of closing.splice(0)) close();
}

export async function serve(settings: Readonly<Record<number, number>> = {}): Promise<Http2TestServer> {
  const server = await Http2TestServer.start(settings);
  closing.push(() => server.stop());
  return server;
}

/** Serves each request with its path. */
export const echo = (stream: PeerStream): void => {
  stream.headers([[":status", "200"]]);
  stream.data(stream.field(":path"), true);
};

export function proxyTo(servers: readonly Http2TestServer[], settings: ProxyOptions["settings"] = {}): TestProxy {
  return new TestProxy(
    servers.map(({ port }) => ({ port, http2: true })),
    { settings },
  );
}

export const bodyOf = ({ body }: WireMessage): string => body.toString();
