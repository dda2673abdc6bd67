/** What commands of agents are kept in, in the order it is looked for. `none`: nothing, and each of them asks a person. */
export const sandboxKinds = ['bubblewrap', 'sandbox-runtime', 'none'] as const;
export type SandboxKind = (typeof sandboxKinds)[number];
