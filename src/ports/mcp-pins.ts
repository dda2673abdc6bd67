/** What the tools of servers said of themselves when they were first seen, or last allowed: SHA-256 by name. */
export interface McpPins {
  of(server: string): Promise<Readonly<Record<string, string>>>;
  /** Remembers hashes beside those that are there. @param replace false: the first word stands */
  pin(server: string, hashes: Readonly<Record<string, string>>, replace: boolean): Promise<void>;
}
