/** The server did not do its part; the message says what happened, in words that follow its name. */
export class McpTrouble extends Error {}

/** The server answered, and said no. */
export class McpRefusal extends Error {}

/** The server may not be asked now, or did not answer; the message says why, after its name. */
export class ServerUnavailable extends Error {}
