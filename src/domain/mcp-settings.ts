import { z } from 'zod';
import { durationSchema } from './duration.ts';

/** What a tool of a server can do at worst. */
export const mcpEffects = ['read', 'write', 'execute', 'network'] as const;

const fullToolSchema = z.strictObject({
  effect: z.enum(mcpEffects),
  /** Whether a person is asked before each call. Unless said, only `read` is free. */
  approval: z.enum(['none', 'ask']).nullable().default(null),
  /** For one call. */
  timeout: durationSchema.default('1m'),
  /** Of a result; what is more is cut, and that is said. */
  max_chars: z.number().int().min(200).max(100_000).default(12_000),
  /** Of one agent in one task. */
  calls: z.number().int().min(1).max(1_000).default(60),
});

/** A tool as baton.yaml allows it; the effect alone is short for all of it. */
const toolSchema = z
  .union([z.enum(mcpEffects).transform((effect) => fullToolSchema.parse({ effect })), fullToolSchema])
  .transform(({ approval, ...tool }) => ({
    ...tool,
    approval: approval ?? (tool.effect === 'read' ? ('none' as const) : ('ask' as const)),
  }));
export type McpToolSettings = z.infer<typeof toolSchema>;

const variable = z.string().regex(/^[A-Z][A-Z0-9_]*$/, 'is the name of an environment variable');

const common = {
  /** The roles that may use it; "*" for all that work in Baton's own loop. */
  agents: z.array(z.string()).min(1),
  /** What may be called of it. Nothing else is offered to anybody. */
  tools: z
    .record(
      z.string().regex(/^[A-Za-z0-9_./-]{1,60}$/, 'a tool’s name is up to 60 plain characters'),
      toolSchema,
    )
    .refine((tools) => Object.keys(tools).length > 0, 'names at least one tool')
    .refine((tools) => Object.keys(tools).length <= 40, 'at most 40 tools of one server'),
};

const serverSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('stdio'),
    /** A program on the system's path, or an absolute path. */
    command: z.string().min(1),
    args: z.array(z.string()).default([]),
    /** On top of a clean environment. In plain sight, so no place for secrets. */
    env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string()).default({}),
    /** Variables of Baton's own environment that are handed on. */
    secrets: z.array(variable).default([]),
    /** What it may read beside the worktree. */
    reads: z.array(z.string().startsWith('/', 'must be an absolute path')).default([]),
    ...common,
  }),
  z.strictObject({
    kind: z.literal('http'),
    url: z.url({ protocol: /^https?$/, error: 'is an address such as https://tools.example.com/mcp' }),
    /** The variable that holds a token, sent as "Authorization: Bearer". */
    bearer: variable.optional(),
    /** Other headers, each with the variable that holds its value. */
    headers: z.record(z.string().regex(/^[A-Za-z][A-Za-z0-9-]*$/), variable).default({}),
    ...common,
  }),
]);
export type McpServer = z.infer<typeof serverSchema>;
export type McpServers = Readonly<Record<string, McpServer>>;

/** The servers, and the values of the environment variables that they name. */
export interface McpSettings {
  readonly servers: McpServers;
  readonly values: Readonly<Record<string, string>>;
}

/** `mcp:` of baton.yaml: servers whose tools agents may use. */
export const mcpSchema = z
  .record(
    z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,19}$/, 'a server’s name has up to 20 lower-case letters, digits and dashes'),
    serverSchema,
  )
  .superRefine((servers, context) => {
    for (const [name, server] of Object.entries(servers)) {
      const offered = Object.keys(server.tools).map((tool) => offeredName(name, tool));
      if (new Set(offered).size !== offered.length)
        context.addIssue({ code: 'custom', path: [name, 'tools'], message: 'two tools would have one name' });
      if (server.kind === 'http' && variablesOf(server).length > 0 && !keepsSecrets(server.url))
        context.addIssue({
          code: 'custom',
          path: [name, 'url'],
          message: 'secrets go only over https, or to this machine',
        });
    }
  });

/** The environment variables that a server is given, or that are sent to it. */
export function variablesOf(server: McpServer): readonly string[] {
  if (server.kind === 'stdio') return server.secrets;
  return [...(server.bearer === undefined ? [] : [server.bearer]), ...Object.values(server.headers)];
}

/** What a model calls a server's tool by: model servers take letters, digits, dashes and underscores, 64 of them. */
export function offeredName(server: string, tool: string): string {
  return `${server}__${tool.replace(/[^A-Za-z0-9_-]/g, '_')}`.slice(0, 64);
}

function keepsSecrets(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || ['127.0.0.1', 'localhost', '[::1]'].includes(hostname);
}
