/** Words of `/orchestrate` that are no workflow's. */
export const RESERVED_WORDS = [
  'status',
  'list',
  'workflows',
  'show',
  'cancel',
  'pause',
  'resume',
  'retry',
  'undo',
  'signal',
  'agents',
  'cost',
  'history',
  'delegate',
  'break-glass',
  'help',
] as const satisfies readonly string[];
