import { z } from 'zod';
import { eventNameSchema } from './bus-event.ts';

/** GitHub's own way of sending: its signature, its events. */
export const GITHUB = 'github';

/** `hooks:` of the settings: the last part of the path, and where its secret is. */
export const hooksSchema = z
  .record(
    z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'A hook is named in lower-case letters, digits and dashes'),
    z.strictObject({
      /** The variable of the environment that holds the secret. */
      secret: z
        .string()
        .regex(
          /^[A-Z][A-Z0-9_]*$/,
          'That is the name of a variable such as DEPLOY_SECRET, not the secret itself',
        ),
      event: eventNameSchema.optional(),
    }),
  )
  .superRefine((hooks, context) => {
    for (const [name, { event }] of Object.entries(hooks)) {
      const message =
        name === GITHUB
          ? 'GitHub says itself what happened: leave `event` out'
          : 'Write which `event` it publishes';
      if ((name === GITHUB) === (event !== undefined))
        context.addIssue({ code: 'custom', path: [name, 'event'], message });
    }
  });
