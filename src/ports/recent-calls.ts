/** A call of a model server, as it was stored. */
export interface RecentCall {
  /** Milliseconds since the epoch. */
  readonly beganAt: number;
  readonly tokens: number;
}

/** What model servers were lately asked: kept, since they do not begin to count anew because Baton was restarted. */
export interface RecentCalls {
  /** Those that ended since, the oldest first. @param host with its port @param since milliseconds since the epoch */
  of(host: string, since: number): Promise<readonly RecentCall[]>;
}
