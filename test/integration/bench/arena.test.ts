/** A tiny arena with real processes: it runs to its end, and what its clients and its servers say agrees. */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawn } from "../../support/processes.ts";

setDefaultTimeout(240_000);

const MAIN = join(import.meta.dir, "../../../bench/arena/main.ts");
const directory = mkdtempSync(join(tmpdir(), "neurabalancer-arena-test-"));

afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Runs {
  readonly name: string;
  readonly rounds: readonly {
    readonly figures: { readonly sent: number; readonly succeeded: number; readonly p50Ms: number };
    readonly record: {
      readonly received: readonly number[];
      readonly served: readonly number[];
      readonly answered: number;
    };
  }[];
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

test.skipIf(process.platform !== "linux")("two servers, two seconds", async () => {
  const json = join(directory, "arena.json");
  const plot = join(directory, "arena.svg");
  const sizes = ["--servers", "2", "--workers", "2", "--mean-ms", "20", "--seconds", "2"];
  const what = ["--scenarios", "homogeneous", "--contestants", "round_robin,round_robin+hedge,direct"];
  const child = spawn([process.execPath, "--no-install", MAIN, ...what, ...sizes, "--json", json, "--plot", plot], {
    stdout: "pipe",
    stderr: "pipe",
  });
  const [said, complaints, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  expect({ code, complaints }).toEqual({ code: 0, complaints: expect.stringContaining("homogeneous: p99 ms") });
  expect(said).toContain("homogeneous: latency, ms; ratio to the best peer, none");
  expect(said).toContain("direct against the simulator");
  expect(await Bun.file(plot).text()).toStartWith("<svg");

  const { contestants } = (await Bun.file(json).json()).scenarios[0] as { contestants: readonly Runs[] };
  expect(contestants.map(({ name }) => name)).toEqual(["round_robin", "round_robin+hedge", "direct"]);
  const [plain, hedged, direct] = contestants.map(({ rounds }) => rounds[0]);
  for (const { figures, record } of [plain, hedged, direct]) {
    expect(figures.sent).toBe(plain.figures.sent); // the same requests came to all
    expect(figures.succeeded).toBe(figures.sent);
    expect(record.answered).toBe(figures.sent);
    expect(record.served.every((count) => count > 0)).toBe(true);
    expect(figures.p50Ms).toBeGreaterThan(5);
  }
  for (const { figures, record } of [plain, direct]) expect(sum(record.received)).toBe(figures.sent);
  expect(sum(hedged.record.received)).toBeGreaterThan(hedged.figures.sent); // some were asked twice
  expect(readdirSync("/dev/shm").filter((name) => name.startsWith(`arena-neurabalancer-${child.pid}-`))).toEqual([]);
});
