import { BatonError } from '../domain/failure.ts';

/** What is wrong with a setting, for whoever starts Baton. */
export function invalid(message: string): BatonError {
  return new BatonError({ class: 'terminal', code: 'config_invalid', message, hint: 'Nothing was started.' });
}
