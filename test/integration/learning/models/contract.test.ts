/** The contract of score models over those that need a library, a process or a server. */
import { afterAll } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { modelPaths, readModelFiles, writeModelFiles } from "../../../../src/learning/models/files/model-files.ts";
import { OnnxModel } from "../../../../src/learning/models/files/onnx/model.ts";
import { IsolatedModel } from "../../../../src/learning/models/inference/isolated-model.ts";
import type { PredictRequest } from "../../../../src/learning/models/remote/predict-request.ts";
import { RemoteModel } from "../../../../src/learning/models/remote/remote-model.ts";
import { randomNetwork } from "../../../support/networks.ts";
import { scoreModelContract } from "../../../unit/learning/models/contract.ts";

const directory = mkdtempSync(join(tmpdir(), "nb-contract-"));
writeModelFiles(directory, randomNetwork(3, 6));
/** Scores that depend on the row and on nothing else. */
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: async (request) => {
    const { servers } = (await request.json()) as PredictRequest;
    const predictions = servers.map(({ active_conns = 1, cpu_usage = 2 }) => Math.atan(active_conns + 3 * cpu_usage));
    return Response.json({ predictions });
  },
});
afterAll(async () => {
  await server.stop(true);
  rmSync(directory, { recursive: true, force: true });
});

scoreModelContract("onnxruntime in this process", () => OnnxModel.load(directory));
scoreModelContract("a process of its own", () => IsolatedModel.load(readModelFiles(modelPaths(directory))));
for (const cacheSize of [0, 1000]) {
  scoreModelContract(
    `a model server, ${cacheSize} responses remembered`,
    async () =>
      new RemoteModel({
        endpoint: `http://127.0.0.1:${server.port}`,
        timeoutMs: 60_000,
        circuitBreakerResetMs: 30_000,
        cacheSize,
        nowMs: () => performance.now(),
        wallMs: () => Date.now(),
      }),
  );
}
