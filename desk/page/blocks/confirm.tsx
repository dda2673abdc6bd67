import { Dialog } from '../components/dialog.tsx';
import { type Confirm, plain } from './schema.ts';
import { Words } from './words.tsx';

interface Props {
  readonly confirm: Confirm;
  readonly onAnswer: (yes: boolean) => void;
}

/** Asks before an element acts, in the app's own words. */
export function ConfirmDialog({ confirm, onAnswer }: Props) {
  const title = plain(confirm.title) || 'Are you sure?';
  return (
    <Dialog title={title} onClose={() => onAnswer(false)}>
      <div className="dialog-body">{confirm.text !== undefined && <Words text={confirm.text} />}</div>
      <footer className="dialog-foot">
        <button type="button" className="button" onClick={() => onAnswer(false)}>
          {plain(confirm.deny) || 'Cancel'}
        </button>
        <button
          type="button"
          className={`button ${confirm.style === 'danger' ? 'button-danger' : 'button-primary'}`}
          onClick={() => onAnswer(true)}
        >
          {plain(confirm.confirm) || 'Yes'}
        </button>
      </footer>
    </Dialog>
  );
}
