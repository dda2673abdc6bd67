import { Mrkdwn, PlainText } from '../components/mrkdwn.tsx';
import type { Text } from './schema.ts';

/** A text object: mrkdwn is read, plain_text is not. */
export function Words({ text }: { readonly text: Text }) {
  return text.type === 'mrkdwn' ? (
    <Mrkdwn text={text.text} />
  ) : (
    <span className="plain-words">
      <PlainText text={text.text} />
    </span>
  );
}
