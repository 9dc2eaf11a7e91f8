import { describe, expect, test } from "bun:test";
import { isDeepStrictEqual } from "node:util";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { renderOpenApi } from "../../../../../src/control/admin/routes/docs.ts";
import { type AdminControl, adminRoutes } from "../../../../../src/control/admin/routes/routes.ts";
import { quietLog } from "../../fleet/fixtures.ts";

type Content = Readonly<Record<string, { readonly schema?: object }>>;
interface DescribedOperation {
  readonly security?: readonly object[];
  readonly responses: Readonly<Record<string, { readonly content?: Content; readonly $ref?: string }>>;
}
interface Described {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>;
  readonly components: { readonly responses: Readonly<Record<string, { readonly content: Content }>> };
}
const source = renderOpenApi();
const document = JSON.parse(source) as Described;

describe("the OpenAPI document", () => {
  async function problemsOf(source: string): Promise<string[]> {
    const config = await createConfig({
      extends: ["recommended-strict"],
      rules: {
        "info-license": "off", // the licence has no address
        "no-server-example.com": "off",
        "no-ambiguous-paths": "off", // of several that match, the first counts
        "operation-4xx-response": "off", // 4XX is there
        "operation-2xx-response": "error",
        "operation-operationId-unique": "error",
        "no-unused-components": "error",
      },
    });
    const problems = await lintFromString({ source, absoluteRef: "/openapi.json", config });
    return problems.map(({ ruleId, message, location: [at] }) => `${ruleId} ${at?.pointer}: ${message}`);
  }

  test("is right, as a linter of the trade reads it", async () => {
    expect(await problemsOf(source)).toEqual([]);
    const damaged = source.replace('"in": "path"', '"in": "somewhere"').replace('"summary"', '"sumary"');
    expect((await problemsOf(damaged)).join()).toContain("struct ");
  });

  test("has every route with every method, and what each needs", () => {
    expect(document.openapi).toStartWith("3.1.");
    for (const { path, methods } of adminRoutes({} as AdminControl, quietLog())) {
      const item = document.paths[path.replace(/<([^>]+)>/g, (_, name: string) => `{${name.replaceAll(/\W+/g, "_")}}`)];
      for (const [method, { scope }] of Object.entries(methods)) {
        const expected = scope === "public" ? [] : [{ bearer: [scope] }];
        expect([path, method, item?.[method.toLowerCase()]?.security]).toEqual([path, method, expected]);
      }
    }
  });

  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).flatMap(([method, operation]) =>
      method === "parameters" ? [] : [{ name: `${method.toUpperCase()} ${path}`, operation }],
    ),
  );

  test("says of every answer in JSON what is in it, and of every refusal that it is problem details", () => {
    const without = operations.filter(({ operation: { responses } }) => {
      const answered = Object.entries(responses).filter(([status]) => status.startsWith("2"));
      return answered.length !== 1 || answered.some(([, { content }]) => !isDescribed(content));
    });
    expect(without.map(({ name }) => name)).toEqual([]);
    for (const { operation } of operations) {
      const refusals = ["4XX", "5XX"].map((status) => operation.responses[status]);
      expect(refusals).toEqual(Array(2).fill({ $ref: "#/components/responses/Problem" }));
    }
    expect(Object.keys(document.components.responses.Problem.content)).toEqual(["application/problem+json"]);
  });

  test("leaves nothing open in an answer but what is anything that JSON can say", () => {
    const open = operations.flatMap(({ name, operation: { responses } }) => {
      return openObjects(responses).map((pointer) => `${name} ${pointer}`);
    });
    // It describes itself: what is in it is OpenAPI's business.
    expect(open).toEqual(["GET /api/v1/openapi.json /200/content/application~1json/schema"]);
    expect(openObjects(document.components)).toEqual([]);
  });
});

/** Whatever of it is JSON has a schema. */
function isDescribed(content: Content | undefined): boolean {
  if (content === undefined) return false;
  return Object.entries(content).every(([media, { schema }]) => media !== "application/json" || schema !== undefined);
}

/** Where an object may have members that are not described. */
function openObjects(value: unknown, at = ""): string[] {
  if (typeof value !== "object" || value === null) return [];
  const inner = Object.entries(value).flatMap(([key, one]) => openObjects(one, `${at}/${key.replaceAll("/", "~1")}`));
  const { type, additionalProperties: more } = value as { type?: unknown; additionalProperties?: unknown };
  const isOpen = type === "object" && (more === undefined || more === true || isDeepStrictEqual(more, {}));
  return isOpen ? [at, ...inner] : inner;
}
