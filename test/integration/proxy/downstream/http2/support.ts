/** A proxy, a server behind it and a client of HTTP/2 in front of it. */
import { Http2Wire, settings } from "../../../../support/http2/wire.ts";
import { Backend, ok, type Script, TestProxy } from "../../../../support/proxy-harness.ts";
import type { TestSettings } from "../../../../support/proxy-settings.ts";
import { until } from "../../../../support/until.ts";

/** The three of them; the client speaks in clear. */
export interface Side {
  readonly backend: Backend;
  readonly proxy: TestProxy;
  connect(first?: Buffer): Promise<Http2Wire>;
}

/** Has every request responded to with its head, or with its body if it has one. */
export async function echoing(given: Partial<TestSettings> = {}): Promise<Side> {
  return sideOf(await Backend.answering(({ body, head }) => ok(body.length > 0 ? body : head)), given);
}

/** As `echoing`, with a server that does what its script says. */
export async function scripted(script: Script, given: Partial<TestSettings> = {}): Promise<Side> {
  return sideOf(await Backend.start(script), given);
}

function sideOf(backend: Backend, given: Partial<TestSettings>): Side {
  const proxy = new TestProxy([backend], { settings: given });
  return { backend, proxy, connect: (first = settings()) => Http2Wire.connect(proxy.port, first) };
}

/** A script that never responds. */
export const SILENT: Script = async (wire) => {
  await wire.end();
};

/** Resolves when the proxy has let go of every connection and every place in flight. */
export async function quiet({ proxy }: Side): Promise<void> {
  await until(() => proxy.counter("CONNECTIONS_OPEN") === 0 && proxy.inFlight === 0);
}

/** Has the worker finish. Resolves when nobody is there any more. */
export function drained({ proxy }: Side): Promise<void> {
  return new Promise((resolve) => proxy.server.drain(resolve));
}
