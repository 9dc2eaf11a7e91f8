import { expect, test } from "bun:test";
import { adminTokens, formatToken } from "../../../../src/config/values/admin-tokens.ts";

const HASH = "0123456789abcdef".repeat(4);
const messagesOf = (text: string) => adminTokens.schema.safeParse(text).error?.issues.map(({ message }) => message);

test("tokens have names, scopes and hashes; what was read is written the same way", () => {
  const text = `ci:read:sha256:${HASH},prometheus:metrics:sha256:${HASH.replaceAll("0", "f")}`;
  const tokens = adminTokens.schema.parse(
    text.toUpperCase().replace(/[A-Z.-]+:[A-Z]+:SHA256/g, (head) => head.toLowerCase()),
  );
  expect(tokens).toEqual([
    { name: "ci", scope: "read", sha256: HASH },
    { name: "prometheus", scope: "metrics", sha256: HASH.replaceAll("0", "f") },
  ]);
  expect(tokens.map(formatToken).join(",")).toBe(text);
});

test.each([
  ["nbt_a_token_in_place_of_its_hash", "entry 1 must be name:scope:sha256:<64 hex digits>"],
  ["ci:read:sha256:abc", "entry 1 must be name:scope:sha256:<64 hex digits>"],
  [`ci:read:md5:${HASH}`, "entry 1 must be name:scope:sha256:<64 hex digits>"],
  [`ci:read:sha256:${HASH}:x`, "entry 1 must be name:scope:sha256:<64 hex digits>"],
  [`ci:root:sha256:${HASH}`, "entry 1 must have one of the scopes metrics, read, admin"],
  [`:read:sha256:${HASH}`, "entry 1 must begin with a name"],
  [`ADMIN_TOKEN:read:sha256:${HASH}`, "entry 1 must begin with a name"],
  [`local:read:sha256:${HASH}`, "entry 1 must begin with a name"],
  [`neurabalancer:read:sha256:${HASH}`, "entry 1 must begin with a name"],
  [`a:read:sha256:${HASH},a:read:sha256:${HASH.replace("0", "1")}`, "entry 2 has a name that another has: a"],
  [`a:read:sha256:${HASH},b:admin:sha256:${HASH}`, "entry 2 is the same token as another"],
  [`${`a:read:sha256:${HASH},`.repeat(100)}b`, "has 101 tokens: at most 100"],
])("%s", (text, message) => {
  const messages = messagesOf(text);
  expect(messages?.[0]).toStartWith(message);
  expect(JSON.stringify(messages)).not.toContain("nbt_a_token");
});
