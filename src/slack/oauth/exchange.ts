import { LogLevel, WebClient } from '@slack/web-api';
import { z } from 'zod';

/** A bot's token that Slack rotates, with what it is exchanged for the next one. */
export interface RotatedToken {
  readonly botToken: string;
  readonly refreshToken: string;
  /** Seconds from now. */
  readonly expiresIn: number;
}

/** The next token for a refresh token, which Slack takes once; null: it does not take this one, now or later. */
export type Exchange = (refreshToken: string) => Promise<RotatedToken | null>;

const answerSchema = z.object({
  access_token: z.string(),
  refresh_token: z.string(),
  expires_in: z.number().positive(),
});
/** Answers after which asking again is of no use: somebody has to install Baton anew. */
const REFUSED =
  /invalid_refresh_token|token_revoked|token_expired|account_inactive|invalid_auth|app_not_installed/;

/** Slack's own door for it. Throws when the answer did not come: it may have been done all the same. */
export function exchangeAt(
  apiUrl: string,
  clientId: string,
  clientSecret: string,
  timeoutMs: number,
): Exchange {
  const client = new WebClient(undefined, {
    slackApiUrl: apiUrl,
    retryConfig: { retries: 0 },
    timeout: timeoutMs,
    logLevel: LogLevel.ERROR,
  });
  return async (refreshToken) => {
    try {
      const answer = answerSchema.parse(
        await client.oauth.v2.access({
          client_id: clientId,
          client_secret: clientSecret,
          grant_type: 'refresh_token',
          refresh_token: refreshToken,
        }),
      );
      return {
        botToken: answer.access_token,
        refreshToken: answer.refresh_token,
        expiresIn: answer.expires_in,
      };
    } catch (error) {
      if (error instanceof Error && REFUSED.test(error.message)) return null;
      throw error;
    }
  };
}
