import type { IncomingMessage, ServerResponse } from 'node:http';
import { HTTPReceiver, type InstallationStore, type Logger } from '@slack/bolt';
import type { OtherDoor } from '../doors/http-receiver.ts';

/** What Baton needs of a workspace; the manifest asks for the same. */
export const SCOPES: readonly string[] = [
  'app_mentions:read',
  'channels:history',
  'chat:write',
  'commands',
  'groups:history',
  'im:history',
  'im:write',
  'usergroups:read',
  'users:read',
];
const INSTALL = '/slack/install';
const BACK = '/slack/oauth_redirect';

export interface InstallDoorOptions {
  readonly clientId: string;
  readonly clientSecret: string;
  /** Signs what is sent along and has to come back, so that nobody finishes what another has begun. */
  readonly stateSecret: string;
  readonly signingSecret: string;
  readonly apiUrl: string;
  readonly store: InstallationStore;
  readonly logger: Logger;
}

/** Where a workspace installs Baton: Bolt's own installer, behind the door that Slack's requests come through. */
export function installDoor(options: InstallDoorOptions): OtherDoor {
  const { clientId, clientSecret, stateSecret, signingSecret, apiUrl, store, logger } = options;
  const { installer } = new HTTPReceiver({
    clientId,
    clientSecret,
    stateSecret,
    signingSecret,
    scopes: [...SCOPES],
    installationStore: store,
    logger,
    installerOptions: {
      directInstall: true,
      clientOptions: { slackApiUrl: apiUrl, retryConfig: { retries: 0 } },
      // Slack's own pages stand beside its API: /api/ and /oauth/v2/authorize.
      authorizationUrl: new URL('/oauth/v2/authorize', apiUrl).href,
    },
  });
  const pathOf = ({ url }: IncomingMessage): string => new URL(url ?? '/', 'http://127.0.0.1').pathname;
  return {
    takes: (request) => request.method === 'GET' && [INSTALL, BACK].includes(pathOf(request)),
    async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
      const scopes = { scopes: [...SCOPES] };
      if (pathOf(request) === INSTALL) await installer?.handleInstallPath(request, response, {}, scopes);
      else
        await installer?.handleCallback(
          request,
          response,
          {
            success: (_installation, _options, _request, answer) => say(answer, 200, DONE),
            failure: (_error, _options, _request, answer) => say(answer, 403, REFUSED),
          },
          scopes,
        );
    },
  };
}

const DONE = 'Baton is installed. Invite it to a channel with /invite, then type /orchestrate help.';
const REFUSED =
  'Baton was not installed, and nothing was kept. Whoever runs it has to name this workspace under "workspaces:" in baton.yaml; then begin anew at /slack/install.';

function say(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(text);
}
