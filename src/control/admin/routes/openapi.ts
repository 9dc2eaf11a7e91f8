/** `/api/v1/openapi.json`: the API, described by what reads and answers. */
import { z } from "zod";
import { openApiDocument } from "../openapi/document.ts";
import { json } from "../responses.ts";
import { type AdminRoute, operation } from "./route.ts";

/** Describes the routes that `all` gives, this one among them. */
export function openApiRoute(all: () => readonly AdminRoute[]): AdminRoute {
  let document: object | null = null;
  return {
    path: "/api/v1/openapi.json",
    audience: "operator",
    methods: {
      GET: operation({
        scope: "read",
        doc: "this API as an OpenAPI 3.1 document, made from the schemas that read requests ([openapi.json](openapi.json))",
        response: z.looseObject({ openapi: z.string() }),
        handle: () => {
          document ??= openApiDocument(all());
          return json(document);
        },
      }),
    },
  };
}
