import { describe, expect, test } from "bun:test";
import { MAX_CHARACTERS, releaseNotes, sectionOf, unwrap } from "../../../../scripts/release/changelog.ts";

const CHANGELOG = `# Changelog

## [Unreleased]

## [0.2.0] - 2026-11-30

The first version that
is released.

### Added

- **One**: a point that goes
  on ([docs](docs/one.md)).
- Two.

## [0.1.0] - 2026-01-02

Older.
`;
const ORIGIN = { repository: "owner/name", tag: "v0.2.0" };

describe("the section of a version", () => {
  test("ends where the next begins, or the file does", () => {
    expect(sectionOf(CHANGELOG, "0.2.0")).toMatchObject({ version: "0.2.0", date: "2026-11-30" });
    expect(sectionOf(CHANGELOG, "0.2.0").body).toStartWith("The first version");
    expect(sectionOf(CHANGELOG, "0.2.0").body).toEndWith("- Two.");
    expect(sectionOf(CHANGELOG, "0.1.0").body).toBe("Older.");
  });

  test.each([
    ["0.3.0", 'CHANGELOG.md has no section "## [0.3.0] - YYYY-MM-DD"'],
    ["0.2", 'CHANGELOG.md has no section "## [0.2] - YYYY-MM-DD"'],
    ["Unreleased", 'CHANGELOG.md, line 3: "## [Unreleased]" should be "## [Unreleased] - YYYY-MM-DD"'],
  ])("%s: says what is missing", (version, message) => {
    expect(() => sectionOf(CHANGELOG, version)).toThrow(message);
  });

  test("is not empty", () => {
    const empty = "## [0.2.0] - 2026-11-30\n\n## [0.1.0] - 2026-01-02\n\nOlder.\n";
    expect(() => sectionOf(empty, "0.2.0")).toThrow("the section of 0.2.0 is empty");
  });
});

describe("the text of a release", () => {
  test("has a paragraph in one line, and links that lead somewhere", () => {
    expect(releaseNotes(sectionOf(CHANGELOG, "0.2.0"), ORIGIN)).toBe(
      [
        "The first version that is released.",
        "",
        "### Added",
        "",
        "- **One**: a point that goes on ([docs](https://github.com/owner/name/blob/v0.2.0/docs/one.md)).",
        "- Two.",
        "",
      ].join("\n"),
    );
  });

  test("leaves code, tables and lists in lists as they are", () => {
    const text = [
      "Run",
      "this:",
      "```sh",
      "one",
      "  two",
      "```",
      "then that.",
      "| a | b |",
      "|---|---|",
      "- point",
      "  goes on",
      "  - below",
      "    goes on",
      "1. first",
    ];
    expect(unwrap(text.join("\n")).split("\n")).toEqual([
      "Run this:",
      "```sh",
      "one",
      "  two",
      "```",
      "then that.",
      "| a | b |",
      "|---|---|",
      "- point goes on",
      "  - below goes on",
      "1. first",
    ]);
  });

  test("leaves links to elsewhere as they are", () => {
    const body = "[a](https://example.test/x) [b](#b) [c](mailto:c@example.test)";
    expect(releaseNotes({ version: "0.2.0", date: "2026-11-30", body }, ORIGIN)).toBe(`${body}\n`);
  });

  test("is no longer than GitHub takes, ends with a whole line, and says where the rest is", () => {
    const point = `- ${"word ".repeat(30).trim()}`;
    const body = Array.from({ length: 1_000 }, () => point).join("\n");
    const lines = releaseNotes({ version: "0.2.0", date: "2026-11-30", body }, ORIGIN).split("\n");
    expect(lines.join("\n").length).toBeLessThanOrEqual(MAX_CHARACTERS);
    expect(lines.slice(0, -3).every((line) => line === point)).toBe(true);
    expect(lines.slice(-3)).toEqual([
      "",
      "The rest stands in https://github.com/owner/name/blob/v0.2.0/CHANGELOG.md",
      "",
    ]);
    expect(lines.length).toBeGreaterThan(700);
  });
});
