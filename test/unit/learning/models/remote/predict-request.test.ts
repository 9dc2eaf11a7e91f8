import { describe, expect, test } from "bun:test";
import {
  predictUrl,
  RemoteModelError,
  readPredictions,
} from "../../../../../src/learning/models/remote/predict-request.ts";

const URL = "http://m/predict";

describe("the URL", () => {
  test.each([
    ["http://m:8081", "http://m:8081/predict"],
    ["http://m:8081/", "http://m:8081/predict"],
    ["http://m/models/a", "http://m/models/a/predict"],
    ["http://m/models/a/predict", "http://m/models/a/predict"],
    ["http://m/predict/", "http://m/predict"],
  ])("of %s is %s", (endpoint, url) => {
    expect(predictUrl(endpoint)).toBe(url);
  });
});

describe("an answer", () => {
  test("is a list of as many scores as were asked for; other fields may stand beside it", () => {
    expect(readPredictions('{"predictions": [1, -2.5], "model": "a"}', 2, URL)).toEqual([1, -2.5]);
  });

  test.each([
    ["<html>", "answered no JSON: <html>"],
    ["", "answered no JSON: "],
    ["null", 'answered without a list "predictions": null'],
    ["[1, 2]", 'answered without a list "predictions"'],
    ['{"scores": [1, 2]}', 'answered without a list "predictions"'],
    ['{"predictions": {"0": 1, "1": 2}}', 'answered without a list "predictions"'],
    ['{"predictions": [1]}', "answered 1 predictions for 2 servers"],
    ['{"predictions": [1, 2, 3]}', "answered 3 predictions for 2 servers"],
    ['{"predictions": [1, null]}', "answered with no finite number at predictions[1]"],
    ['{"predictions": ["1", 2]}', "answered with no finite number at predictions[0]"],
    ['{"predictions": [1, 1e999]}', "answered with no finite number at predictions[1]"],
    ['{"predictions": [1e39, 1]}', "answered with no finite number at predictions[0]"],
    ['{"predictions": [[1], [2]]}', "answered with no finite number at predictions[0]"],
  ])("is not %s", (text, message) => {
    let error: unknown;
    try {
      readPredictions(text, 2, URL);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(RemoteModelError);
    expect(error).toMatchObject({ kind: "answer", message: expect.stringContaining(`${URL} ${message}`) });
  });

  test("is shown in part when it is long", () => {
    expect(() => readPredictions("x".repeat(10_000), 1, URL)).toThrow(/: x{200}…$/);
  });
});
