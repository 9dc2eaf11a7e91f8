/**
 * The OpenAPI document of the admin API (OpenAPI 3.1.1, whose schemas are those of JSON Schema 2020-12): made from the routes,
 * so that what is described is what reads and answers.
 */
import { z } from "zod";
import { version } from "../../../../package.json";
import type { AdminRoute, AnyOperation, Method } from "../routes/route.ts";
import { Components, type Json } from "./components.ts";

const PROBLEM = {
  description: "A refusal: problem details (RFC 9457).",
  content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
};
/** The body of every refusal. */
export const problemSchema = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.int().min(400).max(599),
  /** For people. */
  detail: z.string(),
  /** For machines. */
  code: z.string(),
  errors: z.array(z.strictObject({ at: z.string(), message: z.string() })).optional(),
});
const EXAMPLE_PROBLEM = {
  type: "about:blank",
  title: "Not Found",
  status: 404,
  detail: "there is no server with id 7",
  code: "unknown_server",
};

/** The whole document. */
export function openApiDocument(routes: readonly AdminRoute[]): Json {
  const components = new Components();
  const paths = Object.fromEntries(routes.map((route) => [templateOf(route), pathItem(route, components)]));
  components.add("Problem", { ...components.schemaOf(problemSchema, "output"), examples: [EXAMPLE_PROBLEM] });
  return {
    openapi: "3.1.1",
    info: {
      title: "NeuraBalancer admin API",
      version,
      description: "What the admin port shows and changes (docs/http-api.md, docs/admin.md).",
      license: { name: "see LICENSE", identifier: "LicenseRef-NeuraBalancer" },
    },
    servers: [{ url: "http://127.0.0.1:8090", description: "ADMIN_HOST and ADMIN_PORT say where it is" }],
    tags: tagsOf(routes).map((name) => ({ name, description: `Paths of ${name}` })),
    paths,
    components: {
      schemas: components.all,
      responses: { Problem: PROBLEM },
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          description:
            "A token of ADMIN_TOKENS or ADMIN_TOKEN. What an operation needs stands beside it: metrics, read or admin, each with those before it.",
        },
      },
    },
  };
}

/** `/api/v1/servers/{id}`. */
function templateOf({ path }: AdminRoute): string {
  return path.replace(/<([^>]+)>/g, (_, name: string) => `{${parameterName(name)}}`);
}

function parameterName(name: string): string {
  return name.replaceAll(/\W+/g, "_");
}

function tagsOf(routes: readonly AdminRoute[]): string[] {
  return [...new Set(routes.map(tagOf))];
}

/** The word after `/api/v1/`, or the path's first. */
function tagOf({ path }: AdminRoute): string {
  return path.replace("/api/v1/", "/").split("/")[1]?.replaceAll(/\W+/g, "") || "page";
}

function pathItem(route: AdminRoute, components: Components): Json {
  const names = [...route.path.matchAll(/<([^>]+)>/g)].map(([, name]) => name);
  const parameters = names.map((name, index) => ({
    name: parameterName(name),
    in: "path",
    required: true,
    schema: partSchema(route.parts?.[index] ?? ""),
  }));
  const operations = Object.entries(route.methods).map(([method, operation]) => [
    method.toLowerCase(),
    operationOf(route, method as Method, operation, components),
  ]);
  return { ...(parameters.length === 0 ? {} : { parameters }), ...Object.fromEntries(operations) };
}

/** A choice of words, or whatever fits the pattern. */
function partSchema(part: string): Json {
  if (/^[\w-]+(\|[\w-]+)*$/.test(part)) return { type: "string", enum: part.split("|") };
  return { type: "string", pattern: `^(?:${part})$` };
}

function operationOf(route: AdminRoute, method: Method, operation: AnyOperation, components: Components): Json {
  const { doc, scope, query, body, response, media = "application/json", otherMedia, others = {} } = operation;
  const text = doc.replaceAll(/\[([^\]]+)\]\([^)]*\)/g, "$1");
  const content = {
    [media]: response === undefined ? {} : { schema: components.schemaOf(response, "output") },
    ...(otherMedia === undefined ? {} : { [otherMedia]: {} }),
  };
  const parameters = query === undefined ? [] : queryParameters(components.schemaOf(query, "input"));
  const more = Object.entries(others).map(([status, schema]) => [
    status,
    {
      description: "No refusal: what is asked for is not so.",
      content: { "application/json": { schema: components.schemaOf(schema, "output") } },
    },
  ]);
  return {
    operationId: `${method.toLowerCase()}${templateOf(route).replaceAll(/(?:^|[^A-Za-z0-9]+)([A-Za-z0-9]?)/g, (_, letter: string) => letter.toUpperCase())}`,
    summary: `${method} ${route.path}`,
    description: scope === "public" ? text : `${text}\n\nNeeds the scope \`${scope}\`.`,
    tags: [tagOf(route)],
    security: scope === "public" ? [] : [{ bearer: [scope] }],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: false,
            content: { "application/json": { schema: components.schemaOf(body, "input") } },
          },
        }),
    responses: {
      [method === "GET" ? "200" : "2XX"]: { description: "Done.", content },
      ...Object.fromEntries(more),
      "4XX": { $ref: "#/components/responses/Problem" },
      "5XX": { $ref: "#/components/responses/Problem" },
    },
  };
}

function queryParameters(schema: Json): Json[] {
  const {
    properties,
    required = [],
    additionalProperties,
  } = schema as {
    readonly properties?: Readonly<Record<string, unknown>>;
    readonly required?: readonly string[];
    readonly additionalProperties?: unknown;
  };
  if (properties === undefined) {
    // Whatever names it knows are read where the answer is made.
    const others = { type: "object", additionalProperties: additionalProperties ?? true };
    return [{ name: "parameters", in: "query", required: false, style: "form", explode: true, schema: others }];
  }
  return Object.entries(properties).map(([name, of]) => ({
    name,
    in: "query",
    required: required.includes(name),
    schema: of,
  }));
}
