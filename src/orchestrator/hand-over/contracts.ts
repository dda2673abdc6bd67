import { z } from 'zod';
import { storedPolicySchema } from '../../domain/approval.ts';
import { contract } from '../../ports/activity.ts';
import { pullRequestSchema, pushedSchema } from '../../ports/hand-over.ts';

/** Who wants which run handed over. The input of the run that does it. */
export const handOverInputSchema = z.object({
  target: z.string(),
  by: z.string(),
  team: z.string(),
  repository: z.string(),
  branch: z.string(),
  /** The branch it is to be merged into; null: the one the repository is on. */
  onto: z.string().nullable(),
});
export type HandOverInput = z.infer<typeof handOverInputSchema>;

const request = handOverInputSchema;
const commit = z.string();
/** Where it goes; null: nowhere, absent: a version asked that did not look. */
const address = z.string().nullable().optional();
const at = z.number();

/** Looks where the branch stands and where it would go, and asks where the policy demands it. `asked` null: it does not. */
export const askHandOver = contract(
  'hand-over.ask',
  z.object({ request, at }),
  z.object({
    commit,
    address,
    asked: z.object({ approvalId: z.string(), policy: storedPolicySchema }).nullable(),
  }),
);

/** Uses the yes, once, if the branch is still what was shown. `refused`: why it was not used; null: it was. */
export const takeHandOver = contract(
  'hand-over.take',
  z.object({ request, approvalId: z.string(), at }),
  z.object({ refused: z.string().nullable() }),
);

/** Records who hands over what, then pushes it. */
export const pushBranch = contract(
  'hand-over.push',
  z.object({ request, commit, address, at }),
  pushedSchema,
);

/** Opens or updates the one pull request, with what was asked, decided and spent. */
export const openPullRequest = contract(
  'hand-over.pull-request',
  z.object({ request, commit, address }),
  pullRequestSchema,
);
