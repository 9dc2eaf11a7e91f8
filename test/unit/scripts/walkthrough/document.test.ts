/** How DEMO_WALKTHROUGH.md is read; and that what it shows agrees with what it expects, without running anything. */
import { describe, expect, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { type CommandStep, stepsOf, withOutputs, withRun } from "../../../../scripts/walkthrough/document.ts";
import { FIRST_SAMPLES } from "../../../../src/learning/online/training/training-schedule.ts";
import { FINE_TUNE_DEFAULTS } from "../../../../src/training/store/fine-tune.ts";
import { logNames, traceNames } from "../../../support/grafana/names.ts";

const ROOT = join(import.meta.dir, "../../../..");
const TEXT = readFileSync(join(ROOT, "DEMO_WALKTHROUGH.md"), "utf8");
const STEPS = stepsOf(TEXT);
const COMMANDS = STEPS.filter((step) => step.kind === "command");
const MAX_PICTURE_BYTES = 150_000;

/** What the document says beside a step, up to the next one. */
function prose(step: CommandStep): string {
  const rest = TEXT.split("\n").slice(step.line);
  const end = rest.findIndex((line) => line === "```sh" || line.startsWith("#"));
  return rest.slice(0, end === -1 ? undefined : end).join(" ");
}

describe("the walkthrough", () => {
  test("has eight phases", () => {
    const phases = [...TEXT.matchAll(/^## (\d) /gm)].map(([, number]) => Number(number));
    expect(phases).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test("every output that it shows is as expected, and nothing is expected that it does not show", () => {
    for (const { shown, expectation, line } of COMMANDS) {
      expect({ line, isExpected: expectation !== null }).toEqual({ line, isExpected: shown !== null });
      if (shown !== null) expect({ line, problem: expectation?.problemOf(shown) }).toEqual({ line, problem: null });
    }
  });

  test("what needs containers shows nothing, and says that it was not run; the others say what one should see", () => {
    for (const step of COMMANDS) {
      const { line } = step;
      const needsContainers = step.needs.includes("containers");
      expect({ line, wasNotRun: /not\s+run\s+where this was written/i.test(prose(step)) }).toEqual({
        line,
        wasNotRun: needsContainers,
      });
      if (needsContainers) expect({ line, shown: step.shown }).toEqual({ line, shown: null });
      if (needsContainers || step.shown !== null)
        expect({ line, predicts: prose(step).includes("You should see") }).toEqual({ line, predicts: true });
    }
  });

  test("it speaks of services and ports that docker-compose.yml has", () => {
    const { services } = parse(readFileSync(join(ROOT, "docker-compose.yml"), "utf8"), { merge: true });
    expect(Object.keys(services)).toHaveLength(13);
    const ports = Object.values(services as Record<string, { ports?: string[] }>).flatMap(
      (service) => service.ports ?? [],
    );
    const published = new Set(ports.map((port) => port.slice(port.lastIndexOf(":") + 1)));
    const spoken = [...TEXT.matchAll(/localhost:(\d+)/g)].map(([, port]) => port);
    expect(spoken.length).toBeGreaterThan(10);
    expect(spoken.filter((port) => !published.has(port))).toEqual([]);
    const commands = COMMANDS.map((step) => step.commands).join("");
    const named = /docker compose (?:exec -T|kill|start|logs --no-log-prefix) ([\w-]+)/g;
    expect(new Set([...commands.matchAll(named)].map(([, name]) => name))).toEqual(
      new Set(["load-balancer", "backend-2", "postgres"]),
    );
  });

  test("numbers in its text are those of the program and of docker-compose.yml", () => {
    const { services } = parse(readFileSync(join(ROOT, "docker-compose.yml"), "utf8"), { merge: true });
    const latency = (name: string) => services[name].environment.BACKEND_LATENCY_MS;
    const [one, two, three] = ["backend-1", "backend-2", "backend-3"].map(latency);
    expect(TEXT).toContain(`The backends take ${one}, ${two} and ${three} ms for a request`);
    const grouped = (count: number) => count.toLocaleString("en");
    expect(TEXT).toContain(
      `when there are ${grouped(FINE_TUNE_DEFAULTS.leastRows)} samples; by itself from ${grouped(FIRST_SAMPLES)} on`,
    );
  });

  test("its pictures are there, small, and shown", () => {
    const pictures = STEPS.filter((step) => step.kind === "picture");
    expect(pictures.length).toBeGreaterThan(1);
    for (const { path } of pictures) {
      expect(statSync(join(ROOT, path)).size).toBeLessThan(MAX_PICTURE_BYTES);
      expect(TEXT).toContain(`](${path})`);
    }
  });

  test("what could not be asked of Loki and Tempo can be read by the parsers of Grafana", () => {
    const queryOf = (port: number): string => {
      const { commands } = COMMANDS.find((step) => step.commands.includes(`localhost:${port}`)) ?? { commands: "" };
      return /(?:query|q)=([\s\S]*?)'/.exec(commands)?.[1] ?? "";
    };
    expect(logNames(queryOf(3100)).labels).toEqual(["log", "service"]);
    expect(traceNames(queryOf(3200))).toEqual(["span.url.path"]);
  });
});

describe("a document", () => {
  const DOCUMENT = [
    "# A\n\n<!-- run:begin -->\nold\n<!-- run:end -->\n\n```sh\necho 1\n```\n\nYou should see:\n\n```text\n1\n```\n<!-- expect within 5 s\n<n>\n-->\n",
    "## B\n\n```sh\nother\n```\n<!-- needs loki -->\n\n![p](p.png)\n<!-- picture p.png\nurl: http://localhost:1/\nneeds: collector\nsee: a b\n-->\n",
  ].join("\n");

  test("is read as steps", () => {
    const [first, second, picture] = stepsOf(DOCUMENT);
    expect(first).toMatchObject({
      kind: "command",
      title: "A",
      line: 7,
      commands: "echo 1\n",
      shown: "1\n",
      withinSeconds: 5,
    });
    expect(second).toMatchObject({ title: "B", needs: ["loki"], shown: null, expectation: null });
    expect(picture).toMatchObject({ kind: "picture", path: "p.png", url: "http://localhost:1/", sees: ["a b"] });
  });

  test("takes the outputs of another run, and an account of it", () => {
    const [first] = stepsOf(DOCUMENT) as CommandStep[];
    const changed = withRun(withOutputs(DOCUMENT, new Map([[first, "22"]])), "of now");
    expect(changed).toBe(DOCUMENT.replace("text\n1\n", "text\n22\n").replace("old", "of now"));
    expect(() => withRun("no place", "of now")).toThrow("<!-- run:begin -->");
  });

  test("that is not understood says where", () => {
    expect(() => stepsOf("a\n<!-- expect\n1\n-->")).toThrow("line 2: it belongs to no commands");
    expect(() => stepsOf("```sh\na\n```\n<!-- needs luck -->")).toThrow('line 4: "luck" is none of containers, loki');
    expect(() => stepsOf("```sh\na\n```\n<!-- expect\n<luck>\n-->")).toThrow("line 4: <luck> is no mark");
    expect(() => stepsOf("<!-- picture p.png\nsee: a\n-->")).toThrow('line 1: the picture has no "url:"');
  });
});
