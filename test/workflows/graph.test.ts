import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Node } from '../../src/domain/workflow.ts';
import * as build from '../../src/workflows/build.ts';
import { mermaid } from '../../src/workflows/graph.ts';
import { pictureOf } from '../../src/workflows/picture.ts';
import { svg } from '../../src/workflows/svg.ts';
import { rules } from './support.ts';
import { numbered, tree } from './trees.ts';

const chart = (node: Node, given = rules): string => mermaid(pictureOf(node, given));
const drawing = (node: Node): string => svg(pictureOf(node, rules), 'Title');
const one = (id: string, role = 'backend') => build.agent(id, role, 'task');
const rows = (text: string): string[] =>
  text
    .trim()
    .split('\n')
    .map((row) => row.trim());

/** The boxes of a chart by what they say, and its arrows between those. */
function arrows(text: string): string[] {
  const said = new Map<string, string>();
  const found: [string, string, string][] = [];
  for (const row of rows(text).slice(1)) {
    const box = /^(n\d+)\W+?"(.*)"\W+$/.exec(row);
    const arrow = /^(n\d+) (-->|-\.->)(?:\|"(.*)"\|)? (n\d+)$/.exec(row);
    if (arrow !== null)
      found.push([
        arrow[1] ?? '',
        `${arrow[2]}${arrow[3] === undefined ? '' : ` ${arrow[3]}`}`,
        arrow[4] ?? '',
      ]);
    else if (box !== null) said.set(box[1] ?? '', (box[2] ?? '').split('<br/>')[0] ?? '');
    else throw new Error(`Neither a box nor an arrow: ${row}`);
  }
  return found.map(([from, line, to]) => `${said.get(from)} ${line} ${said.get(to)}`);
}

describe('Mermaid', () => {
  test('a sequence, agents named', () => {
    const text = chart(build.sequence('s', [one('a'), build.command('b', ['npm', 'run', 'lint'])]));
    expect(text).toContain('["a<br/>backend"]');
    expect(text).toContain('[["b<br/>npm run lint"]]');
    expect(arrows(text)).toEqual(['a --> b', 'request --> a', 'b --> done']);
  });

  test('branches meet again', () => {
    expect(arrows(chart(build.parallel('p', [one('a'), one('b')])))).toEqual([
      'p --> a',
      'a -->  ',
      'p --> b',
      'b -->  ',
      'request --> p',
      '  --> done',
    ]);
  });

  test('a condition names its ways, and that nothing may match', () => {
    const drawn = arrows(
      chart(build.conditional('c', { cases: [{ if: 'quality_score > 1', then: one('a') }] })),
    );
    expect(drawn).toContain('c --> quality#95;score #62; 1 a');
    expect(drawn).toContain('c --> otherwise  ');
    expect(chart(build.conditional('c', { on_failure: one('a'), else: one('b') }))).not.toContain(
      'otherwise',
    );
  });

  test('a loop and a request for changes go back', () => {
    const loop = arrows(
      chart(build.loop('l', one('a'), { improve: one('b'), until: { quality: 80 }, max: 2 })),
    );
    expect(loop).toEqual([
      'a --> l',
      'l --> no, 2 rounds at most b',
      'b -.-> a',
      'request --> a',
      'l --> yes done',
    ]);
    const asked = build.approval('keep', { title: 'Keep?', why: 'w', on_changes: one('fix') });
    expect(arrows(chart(asked))).toContain('fix -.-> keep');
    expect(arrows(chart(asked))).toContain('keep --> approved done');
    const fed = build.feedback('f', one('a'), { reviewer: 'qa', criteria: ['all-tests-pass'] });
    expect(arrows(chart(fed))).toContain('f -.-> not met, 3 rounds at most a');
  });

  test('votes, experts and delegates by name', () => {
    const vote = build.consensus('v', {
      question: 'Which?',
      options: ['a', 'b'],
      participants: ['qa', 'backend'],
      tie: 'conductor',
      conductor: 'architect',
    });
    expect(arrows(chart(vote))).toContain('qa --> votes, majority');
    expect(chart(vote)).toContain('a tie: architect');
    const expert = build.consult('c', {
      domain: 'css',
      experts: [{ agent: 'qa', weight: 2 }],
      then: one('a'),
    });
    expect(arrows(chart(expert))).toEqual(
      expect.arrayContaining(['c --> weight 2 qa', 'weighted answer --> a']),
    );
    const given = build.delegation('d', {
      conductor: 'architect',
      task: 't',
      delegates: [{ agent: 'qa', expertise: ['tests'] }],
    });
    expect(arrows(chart(given))).toEqual(
      expect.arrayContaining(['d --> tests qa', 'd --> nobody fits architect']),
    );
  });

  test('a kind it has never heard of, by its children and agents', () => {
    const child = (place: string) => ({
      kind: 'relay',
      id: 'r',
      [place]: [{ do: one('a') }, { do: one('b') }],
    });
    const given = {
      ...rules,
      schema: () => undefined,
      asks: (node: Node) => (node.kind === 'relay' ? [{ agent: 'qa' }] : []),
      children: (node: Node) => (node.kind === 'relay' ? [one('a'), one('b')] : []),
    };
    expect(chart(child('runners'), given)).toContain('["r<br/>relay: qa"]');
    expect(arrows(chart(child('runners'), given))).toContain('r --> runners b');
    expect(arrows(chart(child('stages'), given))).toContain('a --> b');
  });

  test('foreign text stays text', () => {
    const text = chart(one('a', '"]; click n1 `x` <b>\n  n1 --> n9\u202e#quot;'));
    expect(rows(text)).toHaveLength(6);
    expect(text).not.toMatch(/<b>|`|\u202e|#quot/);
    expect(chart(one('a', '1. one'))).toContain('1#46; one');
  });
});

interface Rect {
  readonly x: number;
  readonly y: number;
  readonly right: number;
  readonly bottom: number;
}
const overlap = (a: Rect, b: Rect) => a.x < b.right && b.x < a.right && a.y < b.bottom && b.y < a.bottom;

describe('the SVG picture', () => {
  test('of any tree: no box lies on another, all lie on the page, and tags are balanced', () => {
    let large = 0;
    fc.assert(
      fc.property(tree, (root) => {
        const text = drawing(numbered(root));
        const size = /viewBox="0 0 (\d+) (\d+)"/.exec(text);
        const boxes = [
          ...text.matchAll(/class="box" x="([-\d.]+)" y="([-\d.]+)" width="([-\d.]+)" height="([-\d.]+)"/g),
        ].map(
          ([, x, y, width, height]): Rect => ({
            x: Number(x),
            y: Number(y),
            right: Number(x) + Number(width),
            bottom: Number(y) + Number(height),
          }),
        );
        if (boxes.length > 8) large += 1;
        for (const [i, box] of boxes.entries()) {
          expect(Math.min(box.x, box.y)).toBeGreaterThanOrEqual(0);
          expect(box.right).toBeLessThanOrEqual(Number(size?.[1]));
          expect(box.bottom).toBeLessThanOrEqual(Number(size?.[2]));
          expect(boxes.slice(i + 1).filter((other) => overlap(box, other))).toEqual([]);
        }
        // What is left without well-formed tags and entities holds no sign that XML reads.
        const words = text.replace(/<\/?[a-z]+(?: [\w:-]+="[^"<>]*")* ?\/?>/gi, '');
        expect(words.replace(/&(?:amp|lt|gt|quot|#39);/g, '')).not.toMatch(/[<>&"]/);
        expect(text).not.toMatch(/NaN|undefined|Infinity/);
      }),
      { numRuns: 150 },
    );
    expect(large).toBeGreaterThan(10);
  });

  test('escapes text and counts what would not fit', () => {
    const many = build.parallel(
      'p',
      Array.from({ length: 40 }, (_, i) => one(`a${i}`)),
    );
    expect(drawing(many)).toContain('and 28 more');
    expect(drawing(one('a', '<script>&"'))).toContain('&lt;script&gt;&amp;&quot;');
    expect(svg(pictureOf(one('a'), rules), '</title><script>')).not.toContain('<script>');
  });
});

describe('more kinds', () => {
  test('a hub, phases with one rework, a map, a race and a wait', () => {
    const pool = [{ agent: 'qa', capabilities: ['tests'] }];
    const mesh = arrows(chart(build.node('mesh', 'm', { hub: 'architect', task: 't', pool })));
    expect(mesh).toEqual(expect.arrayContaining(['m --> tests qa', 'architect: done? -.-> no m']));
    const phase = {
      id: 'one',
      purpose: 'p',
      flow: one('a'),
      integration: one('b'),
      validate: 'passed',
      rework: one('c'),
    };
    const phases = arrows(
      chart(build.node('phases', 'p', { phases: [phase, { ...phase, id: 'two', flow: one('d') }] })),
    );
    expect(phases).toEqual(
      expect.arrayContaining([
        'a --> b',
        'b --> one is good?',
        'c -.-> b',
        'one is good? --> yes two',
        'two --> d',
      ]),
    );
    expect(arrows(chart(build.node('map', 'm', { over: 'items', body: one('a') })))).toContain(
      'm --> 20 at once a',
    );
    expect(arrows(chart(build.node('race', 'r', { runners: [one('a'), one('b')] })))).toContain(
      'b --> the first',
    );
    expect(chart(build.node('wait', 'w', { for: '2h' }))).toContain('waits 2h');
  });
});
