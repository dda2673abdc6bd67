import type { HandlerDeps } from './deps.ts';

const KIND = 'form-asked';

/** A form is opened at once and not by the inbox; that it was asked for is kept all the same, so that it is opened once. */
export function registerOpened({ worker }: HandlerDeps): void {
  worker.handle(KIND, async () => undefined);
}

/** False when this click was delivered before: its form was opened, or refused, then. */
export async function isFirst(intent: string, { worker }: Pick<HandlerDeps, 'worker'>): Promise<boolean> {
  return worker.accept(`${intent}:form`, KIND, {});
}
