import type { Json } from '../json.ts';
export function validateBlocks(_b: unknown, _s: string): string[] {
  return [];
}
export function validateView(_v: unknown): string[] {
  return [];
}
export function blockTextSize(_b: Json[]): number {
  return 0;
}
