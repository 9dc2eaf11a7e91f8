/** What no workflow does: run something that may change under it, hold rights that it does not need, or hang. */
import { describe, expect, test } from "bun:test";
import { stepsOf, workflows } from "../../support/github/workflows.ts";

const ALL = workflows();
const STEPS = stepsOf(ALL);
const JOBS = ALL.flatMap(({ path, jobs }) =>
  Object.entries(jobs).map(([name, job]) => ({ where: `${path}, ${name}`, job })),
);

describe("actions", () => {
  const used = ALL.flatMap(({ path, text }) =>
    [...text.matchAll(/^\s*(?:- )?uses: (\S+)(.*)$/gm)].map((match) => ({
      where: path,
      action: match[1],
      comment: match[2],
    })),
  ).filter(({ action }) => !action.startsWith("./"));

  test("are pinned to a commit, with the version that it is", () => {
    expect(used.length).toBeGreaterThan(5);
    const wrong = used.filter(
      ({ action, comment }) => !(/@[0-9a-f]{40}$/.test(action) && /^ # v\d+\.\d+\.\d+$/.test(comment)),
    );
    expect(wrong).toEqual([]);
  });

  test("are the same commit wherever they are used", () => {
    const commits = new Map<string, Set<string>>();
    for (const { action, comment } of used) {
      const [name, commit] = action.split("@");
      // Actions that lie side by side in one repository are released together.
      const repository = name.split("/").slice(0, 2).join("/");
      commits.set(repository, (commits.get(repository) ?? new Set()).add(`${commit}${comment}`));
    }
    expect([...commits].filter(([, each]) => each.size > 1)).toEqual([]);
  });

  test("leave no token in the files of a checkout", () => {
    const checkouts = STEPS.filter(({ step }) => step.uses?.startsWith("actions/checkout@"));
    expect(checkouts.filter(({ step }) => step.with?.["persist-credentials"] !== false)).toEqual([]);
  });
});

test("images have an exact tag", () => {
  const images = JOBS.flatMap(({ where, job }) => (job.container ? { where, image: job.container.image } : []));
  expect(images.filter(({ image }) => !/:[\w.-]*\d+\.\d+\.\d+[\w.-]*(@sha256:[0-9a-f]{64})?$/.test(image))).toEqual([]);
});

test("no text from outside becomes part of a command", () => {
  expect(STEPS.filter(({ step }) => step.run?.includes("${{"))).toEqual([]);
});

test("rights are given job by job", () => {
  expect(ALL.filter(({ permissions }) => JSON.stringify(permissions) !== "{}").map(({ path }) => path)).toEqual([]);
  expect(JOBS.filter(({ job }) => job.permissions === undefined).map(({ where }) => where)).toEqual([]);
});

test("to write: what is released, and what was found in the code", () => {
  const writers = JOBS.flatMap(({ where, job }) =>
    Object.entries(job.permissions ?? {}).flatMap(([right, level]) => (level === "write" ? `${where}: ${right}` : [])),
  );
  expect(writers.filter((each) => !each.startsWith(".github/workflows/cd.yml, "))).toEqual([
    ".github/workflows/codeql.yml, analyze: security-events",
  ]);
});

test("pull requests run without the rights of this repository", () => {
  const events = ALL.map(({ path, on }) => ({ path, on: JSON.stringify(on) }));
  expect(events.filter(({ on }) => /pull_request_target|workflow_run/.test(on))).toEqual([]);
});

test("no job hangs, and none runs on a machine that becomes another one", () => {
  const own = JOBS.filter(({ job }) => job.uses === undefined);
  expect(own.filter(({ job }) => !((job["timeout-minutes"] ?? 0) > 0)).map(({ where }) => where)).toEqual([]);
  expect(own.filter(({ job }) => /latest/.test(job["runs-on"] ?? "latest")).map(({ where }) => where)).toEqual([]);
});

test("a pipe fails where one of its commands does", () => {
  const running = ALL.filter((workflow) => stepsOf([workflow]).some(({ step }) => step.run !== undefined));
  // Where none is named, GitHub runs `bash -e` without pipefail, or in containers `sh`.
  expect(running.filter(({ defaults }) => defaults?.run?.shell !== "bash").map(({ path }) => path)).toEqual([]);
});

test("each has a place in a queue", () => {
  expect(ALL.filter(({ concurrency }) => concurrency === undefined).map(({ path }) => path)).toEqual([]);
});
