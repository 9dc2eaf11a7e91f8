import { expect, test } from "bun:test";
import { FieldId, fieldIdOf } from "../../../src/proxy/http1/field-names.ts";

const idOf = (name: string) => fieldIdOf(Buffer.from(name), 0, name.length);

test.each([
  ["X_Forwarded_For", FieldId.X_FORWARDED_FOR],
  ["x-forwarded_proto", FieldId.X_FORWARDED_PROTO],
  ["X_REAL_IP", FieldId.X_REAL_IP],
  ["X_Request_Id", FieldId.X_REQUEST_ID],
])("%s is the forwarding field that a CGI program would take it for", (name, id) => {
  expect(idOf(name)).toBe(id);
});

test.each(["Content_Length", "Transfer_Encoding", "Keep_Alive", "X_Forwarded_Fox", "X.Forwarded.For", "_orwarded"])(
  "%s is no field that is known",
  (name) => {
    expect(idOf(name)).toBe(FieldId.OTHER);
  },
);
