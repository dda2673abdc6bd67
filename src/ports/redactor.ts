/** Replaces secrets by marks. The same text always gives the same result, so a replay equals the first run. */
export type Redact = (text: string) => string;
