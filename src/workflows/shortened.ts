/** One line of at most `max` characters: without what no reader sees, cut between characters, never within one. */
export function shortened(text: string, max: number): string {
  const signs = Array.from(text.replace(/[\p{C}\s]+/gu, ' ').trim());
  return signs.length > max ? `${signs.slice(0, max - 1).join('')}…` : signs.join('');
}
