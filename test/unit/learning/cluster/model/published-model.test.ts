import { describe, expect, test } from "bun:test";
import {
  checksumOf,
  decodeModel,
  decodeSource,
  encodeModel,
  encodeSource,
  MOST_FILE_BYTES,
} from "../../../../../src/learning/cluster/model/published-model.ts";
import { filesOf } from "../../../../support/learning/model-holder.ts";

const verdict = (reason: string) => ({ atMs: 1, kind: "promoted", reason, numbers: { n: 1 } });

describe("a model as it lies in Redis", () => {
  test("comes back as it was, with what its training and the judges said", () => {
    const files = { ...filesOf("a model"), onnx: Uint8Array.of(0, 255, 128, 10) };
    const model = { files, report: { samples: 5 }, verdicts: [verdict("it was better")] };
    expect(decodeModel(encodeModel(model), checksumOf(files))).toEqual(model);
  });

  test("is only told with fewer words where these would be too many, and not at all where it is too large itself", () => {
    const files = filesOf("a model");
    const text = encodeModel({ files, report: "x".repeat(MOST_FILE_BYTES), verdicts: [verdict("y")] });
    expect(decodeModel(text, checksumOf(files))).toEqual({ files, report: null, verdicts: [] });
    const many = Array.from({ length: 50 }, (_, i) => verdict(`${i} ${"z".repeat(2_000)}`));
    const { verdicts } = decodeModel(encodeModel({ files, report: null, verdicts: many }), checksumOf(files));
    expect(verdicts).toHaveLength(20);
    expect(verdicts[0].reason).toHaveLength(400);
    const large = { ...files, onnx: new Uint8Array(MOST_FILE_BYTES) };
    expect(() => encodeModel({ files: large, report: null, verdicts: [] })).toThrow(RangeError);
  });

  test.each([
    "",
    "rubbish",
    "null",
    "[]",
    "{}",
    JSON.stringify({ format: 2, onnx: "", scaler: "", features: "", verdicts: [] }),
    JSON.stringify({ format: 1, onnx: "no base64!", scaler: "", features: "", verdicts: [] }),
    JSON.stringify({ format: 1, onnx: 7, scaler: {}, features: [], verdicts: "x" }),
    JSON.stringify({ format: 1, onnx: "", scaler: "", features: "", verdicts: [{ atMs: "x" }] }),
  ])("is none where it says %j", (text) => {
    expect(() => decodeModel(text, "x")).toThrow("what Redis has is no model, or one of another format");
  });

  test("is another one with other files", () => {
    const [one, other] = [filesOf("one"), filesOf("other")];
    expect(checksumOf(one)).not.toBe(checksumOf(other));
    const shifted = {
      ...one,
      scalerJson: `${one.scalerJson}${one.featuresJson[0]}`,
      featuresJson: one.featuresJson.slice(1),
    };
    expect(checksumOf(shifted)).not.toBe(checksumOf(one));
    const text = encodeModel({ files: one, report: null, verdicts: [] });
    expect(() => decodeModel(text, checksumOf(other))).toThrow("its checksum is not that of its files");
  });
});

describe("where a model comes from", () => {
  test("is short, and comes back as it was", () => {
    const source = {
      kind: "promoted",
      by: "judge",
      instance: "a",
      id: "1",
      atMs: 5,
      reason: "r".repeat(5_000),
    } as const;
    const text = encodeSource(source);
    expect(text.length).toBeLessThan(1_000);
    expect(decodeSource(text)).toEqual({ ...source, reason: "r".repeat(400) });
  });

  test.each([
    "",
    "{}",
    "rubbish",
    '{"kind":"other","by":"judge","instance":"a","id":"1","atMs":5,"reason":""}',
    "9".repeat(400),
  ])("is none of ours where it says %p", (text) => {
    expect(decodeSource(text)).toBeNull();
  });
});
