import { isAbsolute, relative } from 'node:path';
import type { Json } from '../../domain/json.ts';
import {
  type Ask,
  createTerminalSchema,
  permissionSchema,
  readFileSchema,
  writeFileSchema,
} from './acp-protocol.ts';
import { RPC, type RpcError } from './json-rpc.ts';

const TITLE_CHARS = 200;

interface Request {
  readonly id: string;
  readonly method: string;
  readonly params: Json;
  /** The worktree as the program knows it. */
  readonly root: string;
}

interface RpcRefusal {
  readonly error: RpcError;
}

/** What a request of an agent means to us, or the error it is answered with. */
export function understandAsk({ id, method, params, root }: Request): Ask | RpcRefusal {
  switch (method) {
    case 'fs/read_text_file': {
      const read = readFileSchema.safeParse(params);
      if (!read.success) return invalid('fs/read_text_file needs a path');
      const path = inside(root, read.data.path);
      if (path === null) return invalid(`${read.data.path} is outside the worktree`);
      const { line, limit } = read.data;
      const from = line === null || line === undefined ? null : Math.max(1, line);
      const to = limit === null || limit === undefined ? null : (from ?? 1) + Math.max(1, limit) - 1;
      return { kind: 'read', id, path, from, to };
    }
    case 'fs/write_text_file': {
      const write = writeFileSchema.safeParse(params);
      if (!write.success) return invalid('fs/write_text_file needs path and content');
      const path = inside(root, write.data.path);
      if (path === null) return invalid(`${write.data.path} is outside the worktree`);
      return { kind: 'write', id, path, content: write.data.content };
    }
    case 'terminal/create': {
      const create = createTerminalSchema.safeParse(params);
      if (!create.success) return invalid('terminal/create needs a command');
      const { command, args, cwd } = create.data;
      if (cwd !== null && cwd !== undefined && inside(root, cwd) !== '')
        return invalid('commands run at the root of the repository');
      return { kind: 'run', id, argv: [command, ...(args ?? [])] };
    }
    case 'session/request_permission': {
      const asked = permissionSchema.safeParse(params);
      if (!asked.success) return invalid('session/request_permission needs a tool call and options');
      const { toolCall, options } = asked.data;
      return {
        kind: 'permit',
        id,
        title: (toolCall.title ?? 'something').replace(/\s+/g, ' ').slice(0, TITLE_CHARS),
        sort: toolCall.kind ?? 'other',
        command: commandIn(toolCall.rawInput ?? null),
        options: options.map(({ optionId, kind }) => ({ optionId, kind })),
      };
    }
    default:
      return unknownMethod(method);
  }
}

/** A path as our own tools know it; null when it leaves the worktree. */
function inside(root: string, path: string): string | null {
  if (!isAbsolute(path)) return null;
  const inner = relative(root, path);
  return inner === '..' || inner.startsWith('../') || isAbsolute(inner) ? null : inner;
}

/** The error that a wrong request is answered with. */
export function invalid(message: string): RpcRefusal {
  return { error: { code: RPC.invalidParams, message } };
}

/** The error that a request for something we do not offer is answered with. */
export function unknownMethod(method: string): RpcRefusal {
  return { error: { code: RPC.methodNotFound, message: `${method.slice(0, 100)} is not offered` } };
}

/** Agents put the command under this key, as one line or as words. */
function commandIn(input: Json): string | null {
  if (input === null || typeof input !== 'object' || Array.isArray(input)) return null;
  const { command } = input;
  if (typeof command === 'string') return command;
  if (Array.isArray(command) && command.every((word) => typeof word === 'string')) return command.join(' ');
  return null;
}
