/** Programs that these tests need and the repository does not bring. */
import { describe, test } from "bun:test";

/** Where Debian has each of them. */
const PACKAGES = {
  curl: "curl",
  wrk: "wrk",
  nghttp: "nghttp2-client",
  h2load: "nghttp2-client",
  nginx: "nginx",
  haproxy: "haproxy",
  python3: "python3",
  chromium: "chromium",
  openssl: "openssl",
  node: "nodejs",
  npm: "npm",
  git: "git",
  jq: "jq",
  psql: "postgresql-client",
  "redis-server": "redis-server",
  prometheus: "prometheus",
  shellcheck: "shellcheck",
} as const;

export type Program = keyof typeof PACKAGES;

/** The program's path. Throws when it is not installed. */
export function pathOf(program: Program): string {
  const path = find(program);
  if (path === null) throw new Error(`${program} is not installed`);
  return path;
}

/**
 * `describe` for tests that run `programs`. Where one is missing they are skipped and say so; under CI they fail, since
 * nobody reads what was skipped there.
 */
export function describeWith(programs: readonly Program[], name: string, body: () => void): void {
  const missing = programs.filter((program) => find(program) === null);
  if (missing.length === 0) {
    describe(name, body);
    return;
  }
  const advice = `apt-get install ${missing.map((program) => PACKAGES[program]).join(" ")}`;
  describe(name, () => {
    if (process.env.CI === "true") {
      test("needs programs that are missing", () => {
        throw new Error(`missing: ${missing.join(", ")}; ${advice}`);
      });
    } else {
      test.skip(`needs programs that are missing: ${advice}`, () => {});
    }
  });
}

function find(program: Program): string | null {
  // sbin is not in everyone's PATH, and nginx is there.
  return Bun.which(program, { PATH: `${process.env.PATH}:/usr/sbin:/usr/local/sbin` });
}
