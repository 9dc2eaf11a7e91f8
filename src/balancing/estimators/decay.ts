/**
 * e^-(elapsed / timeConstant): how much evidence of that age still counts. Both in the same unit; 1 for negative ages.
 * Servers that are talked to all the time have ages near 0, where the tangent spares the exponential (error < 0.13 %).
 */
export function decayFactor(elapsed: number, timeConstant: number): number {
  const age = elapsed / timeConstant;
  if (age < 0.05) return age > 0 ? 1 - age : 1;
  return Math.exp(-age);
}
