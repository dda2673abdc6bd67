import { APIConnectionError, APIConnectionTimeoutError, APIError } from 'openai';
import type { ModelFault } from './model-faults.ts';

/**
 * Any error of the SDK or of the transport as a fault.
 * @param events how many events of the stream had arrived; null before the stream was open
 */
export function modelFaultOf(error: unknown, events: number | null): ModelFault {
  if (error instanceof APIConnectionTimeoutError) return { kind: 'timeout' };
  if (error instanceof APIConnectionError) return { kind: 'unreachable', code: systemCode(error) };
  if (error instanceof APIError) {
    const headers: Record<string, string> = {};
    error.headers?.forEach((value: string, name: string) => {
      headers[name.toLowerCase()] = value;
    });
    // Inside a stream some routers put the HTTP status where the code belongs.
    const numeric = Number(error.code);
    const status = error.status ?? (numeric >= 400 && numeric < 600 ? numeric : null);
    const code = typeof error.code === 'string' ? error.code : (error.type ?? null);
    return { kind: 'reported', status, code, message: error.message, headers };
  }
  // Within a stream the SDK reads each event's JSON.
  if (error instanceof SyntaxError) return { kind: 'unreadable', type: 'broken JSON' };
  return events === null ? { kind: 'unreachable', code: systemCode(error) } : { kind: 'cut', events };
}

/** The system's own code (ECONNREFUSED, ...), which fetch hides under one or more causes. */
function systemCode(error: unknown): string | null {
  let current = error;
  for (let depth = 0; depth < 5 && current instanceof Error; depth += 1) {
    if ('code' in current && typeof current.code === 'string') return current.code;
    current = current.cause;
  }
  return null;
}
