/** What the page says when the desk or the app refuses; codes are Slack's own where Slack has one. */
export function explain(error: string, subject: string): string {
  switch (error) {
    case 'unreachable':
      return `The desk does not answer, so ${subject} was not sent. Check that it runs, then try again.`;
    case 'dispatch_failed':
      return `${capital(subject)} failed: dispatch_failed. The app is not connected to the desk.`;
    case 'operation_timeout':
      return `${capital(subject)} failed: operation_timeout. The app did not answer within three seconds.`;
    case 'http_service_error':
      return `${capital(subject)} failed: http_service_error. The app answered with an error; its log says more.`;
    case 'interactivity_disabled':
      return `${capital(subject)} failed: the app's manifest does not switch interactivity on.`;
    case 'message_not_found':
    case 'action_not_found':
    case 'option_not_found':
    case 'view_not_found':
      return `${capital(subject)} came too late: the app has changed this in the meantime.`;
    case 'unknown_command':
      return `There is no command ${subject} here. Type / to see those there are.`;
    case 'command_not_supported_in_threads':
    case 'no_commands_in_threads':
      return 'Slash commands do not work inside threads, here as in Slack. Type it in the channel, or reply in plain words.';
    case 'is_archived':
      return `${capital(subject)} was not sent: this channel is archived.`;
    case 'channel_not_found':
    case 'not_in_channel':
      return `${capital(subject)} was not sent: this person is not in the channel.`;
    default:
      return `${capital(subject)} failed: ${error}.`;
  }
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
