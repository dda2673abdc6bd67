/** Where foreign text comes from, and how much of everything there is. */
export interface Foreign {
  /** Any text that is not ours. */
  readonly text: string;
  readonly n: number;
  readonly alice: string;
  readonly bob: string;
}

export const many = <T>({ n }: Foreign, make: (i: number) => T): T[] =>
  Array.from({ length: n }, (_, i) => make(i));
