/** One key for a workspace wherever it is stored: enterprise and team, so that two organisations never meet. */
export function teamKey(enterpriseId: string | null | undefined, teamId: string): string {
  return enterpriseId === null || enterpriseId === undefined || enterpriseId === ''
    ? teamId
    : `${enterpriseId}:${teamId}`;
}
