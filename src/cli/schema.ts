import { patterns } from '../patterns/all.ts';
import { workflowJsonSchema } from '../workflows/schema.ts';

/** `baton schema`: the JSON Schema of workflow files, for editors. */
export function schema(): number {
  console.log(JSON.stringify(workflowJsonSchema(patterns), null, 2));
  return 0;
}
