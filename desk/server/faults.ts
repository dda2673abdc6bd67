import { z } from 'zod';

/** A fault that a test plants for the next `times` calls of a method (`*` for any). */
export const faultSchema = z.object({
  method: z.string(),
  /** Answer `{ok:false, error}` without applying the call. */
  error: z.string().optional(),
  /** Answer with this HTTP status without applying the call; 429 carries Retry-After. */
  http: z.number().int().min(400).max(599).optional(),
  retryAfter: z.number().int().min(1).optional(),
  /** Wait before handling the call. */
  delayMs: z.number().min(0).optional(),
  /** Apply the call and break the connection instead of answering. */
  dropAfterApply: z.boolean().optional(),
  times: z.number().int().min(1).default(1),
});
export type Fault = z.infer<typeof faultSchema>;

export type Faults = Readonly<{
  plant(fault: Fault): void;
  /** The oldest planted fault for `method`, used up by one. */
  take(method: string): Fault | undefined;
}>;

/** Faults wait in memory only. */
export function createFaults(): Faults {
  const planted: Fault[] = [];
  return {
    plant: (fault) => void planted.push({ ...fault }),
    take(method) {
      const index = planted.findIndex((fault) => fault.method === method || fault.method === '*');
      const fault = planted[index];
      if (fault === undefined) return undefined;
      fault.times -= 1;
      if (fault.times <= 0) planted.splice(index, 1);
      return fault;
    },
  };
}
