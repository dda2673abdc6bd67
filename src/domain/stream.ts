/** A stream's name without what makes it unique in its run: what its branch is called in the workflow. */
export function streamLabel(stream: string): string {
  return stream.replace(/-[0-9a-f]{10}$/, '');
}
