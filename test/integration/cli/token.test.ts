import { describe, expect, test } from "bun:test";
import { adminTokens } from "../../../src/config/values/admin-tokens.ts";
import { spawn } from "../../support/processes.ts";
import { LAUNCHER, neurabalancer } from "./spawn.ts";

const sha256 = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest("hex");

describe("token new", () => {
  test("shows a token of 256 bits once, with the line that has its hash", () => {
    const made = JSON.parse(neurabalancer(["token", "new", "--name", "ci", "--json"]).stdout) as {
      token: string;
      line: string;
    };
    expect(made.token).toMatch(/^nbt_[\w-]{43}$/);
    expect(adminTokens.schema.parse(made.line)).toEqual([{ name: "ci", scope: "read", sha256: sha256(made.token) }]);
    const { stdout } = neurabalancer(["token", "new", "--name", "ops", "--scope", "admin"]);
    expect(stdout).toMatch(/^ {2}nbt_[\w-]{43}$/m);
    expect(stdout).toMatch(/^ {2}ops:admin:sha256:[0-9a-f]{64}$/m);
  });

  test.each([
    [["token", "new"], "required option '--name <name>'"],
    [["token", "new", "--name", "a b"], "Expected up to 64 letters"],
    [["token", "new", "--name", "local"], "Expected up to 64 letters"],
    [["token", "new", "--name", "ci", "--scope", "root"], "Allowed choices are metrics, read, admin"],
  ])("%j is wrong usage", (args, message) => {
    const { code, stderr } = neurabalancer(args);
    expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
  });
});

describe("token hash", () => {
  async function hash(input: string): Promise<{ code: number; stdout: string; stderr: string }> {
    const child = spawn([LAUNCHER, "token", "hash", "--name", "ci", "--scope", "metrics"], {
      stdin: Buffer.from(input),
      stdout: "pipe",
      stderr: "pipe",
    });
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    return { code: await child.exited, stdout, stderr };
  }

  test("gives the line for a token that there is already", async () => {
    const { code, stdout } = await hash("correct-horse-battery\n");
    expect([code, stdout]).toEqual([0, `ci:metrics:sha256:${sha256("correct-horse-battery")}\n`]);
  });

  test("refuses what is no token, and does not repeat it", async () => {
    for (const input of ["", "too short", "hunter2", "two tokens in one file"]) {
      const { code, stdout, stderr } = await hash(input);
      expect([code, stdout, stderr]).toEqual([1, "", expect.stringContaining("16 characters or more")]);
      if (input !== "") expect(stderr).not.toContain(input);
    }
  });
});
