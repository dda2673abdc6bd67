import { z } from 'zod';

/** "localhost:1234" is an address too, of the scheme "localhost": refused, because nobody means that. */
export function address(words: string) {
  return z.url({ protocol: /^https?$/, error: words });
}
