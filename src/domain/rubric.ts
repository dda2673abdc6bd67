import { z } from 'zod';

/** One measure of a rubric: 0 to 100, and what it counts for, 0 to 1. */
export const measureSchema = z.object({
  name: z.string(),
  score: z.number().min(0).max(100),
  weight: z.number().min(0).max(1),
});
export type Measure = z.infer<typeof measureSchema>;

/** The mean of the scores by their weights, which sum to 1: 0 to 100, whole. */
export function weightedScore(measures: readonly Measure[]): number {
  return Math.round(measures.reduce((sum, { score, weight }) => sum + score * weight, 0));
}
