import { describe, expect, test } from "bun:test";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { renderOpenApi } from "../../../../../src/control/admin/routes/docs.ts";
import { type AdminControl, adminRoutes } from "../../../../../src/control/admin/routes/routes.ts";
import { quietLog } from "../../fleet/fixtures.ts";

interface Described {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly security?: readonly object[] }>>>>;
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
});
