import type { IncomingMessage, ServerResponse } from 'node:http';
import { isJson, type Json, parseJson } from '../json.ts';
import { SECURITY_HEADERS } from './guard.ts';

/** Larger than anything Slack takes (a view of 250 kB, escaped for a form). */
const BODY_BYTES = 2 * 1024 * 1024;

/** The body as text; null when it is too large. */
export async function readText(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    size += bytes.length;
    if (size > BODY_BYTES) return null;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** True for a body declared as JSON. A page of another site cannot send that without asking first. */
export function isJsonRequest(request: IncomingMessage): boolean {
  return /^application\/json\b/i.test(request.headers['content-type'] ?? '');
}

/** A Web API call's arguments, from JSON or a form; null when the JSON is broken. */
export function readArguments(request: IncomingMessage, text: string): Json | null {
  if (!isJsonRequest(request)) return Object.fromEntries(new URLSearchParams(text));
  const value = text === '' ? {} : parseJson(text);
  return isJson(value) ? value : null;
}

/** Sends JSON with the headers every answer carries. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    ...SECURITY_HEADERS,
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    ...headers,
  });
  response.end(text);
}

/** Sends plain text with the headers every answer carries. */
export function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { ...SECURITY_HEADERS, 'content-type': 'text/plain; charset=utf-8' });
  response.end(text);
}
