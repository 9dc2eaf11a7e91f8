/** Is a list of feature names one that the learner can fill in? */
import { nearest } from "../../../config/suggest.ts";
import { CONTRACT_FEATURES, FEATURE_NAMES } from "../../features/feature-names.ts";

/** What is wrong with the list and what would be right, or `null`. */
export function checkFeatureList(names: readonly string[]): string | null {
  const known: readonly string[] = FEATURE_NAMES;
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    const listed = unknown.map((name) => {
      const meant = nearest(name, known);
      return meant === null ? JSON.stringify(name) : `${JSON.stringify(name)} (did you mean ${meant}?)`;
    });
    return `names no known feature: ${listed.join(", ")}; known are ${known.join(", ")}`;
  }
  const wrong = CONTRACT_FEATURES.findIndex((name, i) => names[i] !== name);
  if (wrong >= 0) {
    const found = names[wrong] === undefined ? "ends before" : `has ${names[wrong]} at`;
    return `${found} place ${wrong + 1}: the first six must be ${CONTRACT_FEATURES.join(", ")}, in this order`;
  }
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  return twice === undefined ? null : `names ${twice} twice: each feature goes in once`;
}
