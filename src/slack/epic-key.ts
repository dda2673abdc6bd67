/** The one name of a session's epic. */
export function epicKey(sessionId: string): string {
  return `epic:${sessionId}`;
}

/** The session whose epic a message of this key is; null: it is none. */
export function sessionOfEpic(key: string | undefined): string | null {
  return key?.startsWith('epic:') === true ? key.slice('epic:'.length) : null;
}
