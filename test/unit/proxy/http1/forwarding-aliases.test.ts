import { expect, test } from "bun:test";
import { FieldId, fieldIdOf } from "../../../../src/proxy/http1/field-names.ts";

const idOf = (name: string) => fieldIdOf(Buffer.from(name), 0, name.length);

test.each([
  ["X_Forwarded_For", FieldId.X_FORWARDED_FOR],
  ["x-forwarded_proto", FieldId.X_FORWARDED_PROTO],
  ["X_REAL_IP", FieldId.X_REAL_IP],
  ["X_Request_Id", FieldId.X_REQUEST_ID],
])("%s is the forwarding field that a CGI program would take it for", (name, id) => {
  expect(idOf(name)).toBe(id);
});

test.each([
  "X-Forwarded-Prefix",
  "X-Forwarded-Ssl",
  "X-Forwarded-Scheme",
  "X-Forwarded-Server",
  "X-Forwarded-By",
  "x_forwarded-Whatever_It_May_Be_Called_By_Somebody",
  "X-Forwarded",
  "X-Real-Port",
  "X-Original-URL",
  "X_ORIGINAL_FORWARDED_FOR",
  "X-Rewrite-URL",
  "X-Client-IP",
  "X-Remote-IP",
  "X-Remote-Addr",
  "X-Originating-IP",
  "X-Host",
  "Forwarded-For",
  "client_ip",
  "X-Cluster-Client-Ip",
  "X-Scheme",
  "X-Url-Scheme",
  "Front-End-Https",
])("%s is one of the family", (name) => {
  expect(idOf(name)).toBe(FieldId.X_FORWARDED_OTHER);
});

test.each([
  "Content_Length",
  "Transfer_Encoding",
  "Keep_Alive",
  "X.Forwarded.For",
  "_orwarded",
  "X-Forwarded-",
  "X-Forward",
  "X-Realm",
  "X-Real-",
  "X-Requested-With",
  "X-Originals-1",
  "My-X-Forwarded-For",
])("%s is no field that is known", (name) => {
  expect(idOf(name)).toBe(FieldId.OTHER);
});
