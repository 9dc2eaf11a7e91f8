/** `ACCESS_LOG_FIELDS` as it may be written. */
import { describe, expect, test } from "bun:test";
import { ACCESS_LOG_FIELD_NAMES, DEFAULT_ACCESS_LOG_FIELDS } from "../../../../src/shared/access-log-fields.ts";
import { configOf, problemsOf } from "../../../support/configuration.ts";

const fieldsOf = (text: string) => configOf({ ACCESS_LOG_FIELDS: text }).log.accessFields;
const without = (names: readonly string[], ...left: string[]) => names.filter((name) => !left.includes(name));

describe("fields of the access log", () => {
  test("names, in the order of the line whatever the order here, and each once", () => {
    expect(fieldsOf("status, Path,ts,status") as readonly string[]).toEqual(["ts", "path", "status"]);
  });

  test("groups, and what is left out of them", () => {
    expect(fieldsOf("all")).toEqual(ACCESS_LOG_FIELD_NAMES);
    expect(fieldsOf("default")).toEqual(DEFAULT_ACCESS_LOG_FIELDS);
    expect(fieldsOf("all,-user_agent, - host") as readonly string[]).toEqual(
      without(ACCESS_LOG_FIELD_NAMES, "user_agent", "host"),
    );
    expect(fieldsOf("-upstream") as readonly string[]).toEqual(without(DEFAULT_ACCESS_LOG_FIELDS, "upstream"));
    expect(fieldsOf("default,referer") as readonly string[]).toEqual(without(ACCESS_LOG_FIELD_NAMES, "protocol"));
  });

  test.each([
    ["path,,status", "entry 2 is empty"],
    ["user-agent", 'there is no field "user-agent" (did you mean user_agent?); there are all, default, ts, request_id'],
    ["nonsense", 'there is no field "nonsense"; there are all'],
    ["constructor", 'there is no field "constructor"'],
    ["path,-path", "leaves no field: ACCESS_LOG=off writes no lines"],
  ])("%j is refused", (text, complaint) => {
    expect(problemsOf({ ACCESS_LOG_FIELDS: text }).join()).toContain(complaint);
  });
});
