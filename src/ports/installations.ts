/** A workspace, or an organisation as a whole, that installed Baton; what opens it is sealed. */
export interface InstallationRow {
  /** Key of the workspace, or the enterprise's id. */
  readonly id: string;
  readonly name: string;
  readonly sealed: string;
  readonly keyId: string;
  readonly installedAt: number;
  readonly revokedAt: number | null;
  readonly revokedBy: string | null;
}

/** Kept with their rows in the audit. */
export interface InstallationStore {
  /** In the place of what stood there; `by` is who installed it. */
  put(row: Omit<InstallationRow, 'revokedAt' | 'revokedBy'>, by: string): Promise<void>;
  /** In the place of what was sealed before: with another key, or another token. False when that is not there any more. */
  reseal(id: string, was: string, sealed: string, keyId: string): Promise<boolean>;
  /** Taken back, and what was sealed is gone. False when there is none that holds. */
  revoke(id: string, how: string, at: number): Promise<boolean>;
  /** Those that hold. */
  all(): Promise<InstallationRow[]>;
}
