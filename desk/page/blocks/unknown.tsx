import { Component, type ReactNode } from 'react';

type Json = Record<string, unknown>;

/** What this page cannot draw is said to be there, with its JSON folded, instead of vanishing. */
export function UnknownBlock({ block, kind }: { readonly block: Json; readonly kind: 'block' | 'element' }) {
  return (
    <details className="unknown">
      <summary>{unknownTitle(block, kind)}</summary>
      <pre>{JSON.stringify(block, null, 2)}</pre>
    </details>
  );
}

/** `Unknown block: <type>`. */
function unknownTitle(block: Json, kind: 'block' | 'element'): string {
  return `Unknown ${kind}: ${typeof block['type'] === 'string' ? block['type'] : 'without a type'}`;
}

interface GuardProps {
  readonly block: Json;
  readonly children: ReactNode;
}

/** A block of a wrong shape must not take the page down with it. */
export class BlockGuard extends Component<GuardProps, { readonly failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override componentDidUpdate(before: GuardProps) {
    if (before.block !== this.props.block && this.state.failed) this.setState({ failed: false });
  }

  override render() {
    return this.state.failed ? <UnknownBlock block={this.props.block} kind="block" /> : this.props.children;
  }
}
