import { type RefObject, useEffect, useLayoutEffect, useRef, useState } from 'react';

/** Pixels from the end that still count as the end: a rounding error or half a line. */
const SLACK_PX = 40;

interface Bottom {
  readonly box: RefObject<HTMLDivElement | null>;
  readonly content: RefObject<HTMLDivElement | null>;
  /** True while something new lies below what is on show. */
  readonly below: boolean;
  readonly toBottom: () => void;
}

/** Keeps a scrolling box at its end while it is there, through new messages and messages that grow. */
export function useBottom(newest: string | null): Bottom {
  const box = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const sticks = useRef(true);
  const [below, setBelow] = useState(false);

  const toBottom = () => {
    const element = box.current;
    if (element === null) return;
    element.scrollTop = element.scrollHeight;
    sticks.current = true;
    setBelow(false);
  };

  useEffect(() => {
    const element = box.current;
    const inner = content.current;
    if (element === null || inner === null) return;
    const onScroll = () => {
      sticks.current = element.scrollHeight - element.scrollTop - element.clientHeight < SLACK_PX;
      if (sticks.current) setBelow(false);
    };
    const grown = new ResizeObserver(() => {
      if (sticks.current) element.scrollTop = element.scrollHeight;
    });
    element.addEventListener('scroll', onScroll, { passive: true });
    grown.observe(inner);
    grown.observe(element);
    return () => {
      element.removeEventListener('scroll', onScroll);
      grown.disconnect();
    };
  }, []);

  useLayoutEffect(() => {
    const element = box.current;
    if (element === null || newest === null) return;
    if (sticks.current) element.scrollTop = element.scrollHeight;
    else setBelow(true);
  }, [newest]);

  return { box, content, below, toBottom };
}
