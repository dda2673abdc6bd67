/** One key for a workspace wherever it is stored: enterprise and team, so that two organisations never meet. */
export function teamKey(enterpriseId: string | null | undefined, teamId: string): string {
  return enterpriseId === null || enterpriseId === undefined || enterpriseId === ''
    ? teamId
    : `${enterpriseId}:${teamId}`;
}

/** The team's own id out of its key. */
export function bareTeam(key: string): string {
  return key.slice(key.indexOf(':') + 1);
}
