import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emojiOf } from '../../desk/page/text/emoji.ts';
import { type Inline, isSafeUrl, parseInline, parseMrkdwn } from '../../desk/page/text/mrkdwn.ts';

const t = (text: string): Inline => ({ kind: 'text', text });

/** The visible words of a text, marks dropped. */
function words(nodes: readonly Inline[]): string {
  return nodes
    .map((node) => {
      switch (node.kind) {
        case 'text':
        case 'code':
          return node.text;
        case 'bold':
        case 'italic':
        case 'strike':
          return words(node.children);
        case 'link':
          return node.label;
        case 'user':
        case 'channel':
        case 'usergroup':
        case 'broadcast':
        case 'date':
        case 'emoji':
          return '';
        default:
          return node satisfies never;
      }
    })
    .join('');
}

function links(nodes: readonly Inline[]): string[] {
  return nodes.flatMap((node) =>
    node.kind === 'link' ? [node.url] : 'children' in node ? links(node.children) : [],
  );
}

describe('inline marks', () => {
  it.each<[string, readonly Inline[]]>([
    ['*bold*', [{ kind: 'bold', children: [t('bold')] }]],
    [
      '_it_ and ~no~',
      [{ kind: 'italic', children: [t('it')] }, t(' and '), { kind: 'strike', children: [t('no')] }],
    ],
    ['*a _b_*', [{ kind: 'bold', children: [t('a '), { kind: 'italic', children: [t('b')] }] }]],
    ['`a*b*`', [{ kind: 'code', text: 'a*b*' }]],
    ['*`a` b*', [{ kind: 'bold', children: [{ kind: 'code', text: 'a' }, t(' b')] }]],
    ['snake_case_word', [t('snake_case_word')]],
    ['2*3*4', [t('2*3*4')]],
    ['* not bold *', [t('* not bold *')]],
    ['*not\nbold*', [t('*not\nbold*')]],
    ['a ** b', [t('a ** b')]],
    [':white_check_mark: done', [{ kind: 'emoji', name: 'white_check_mark' }, t(' done')]],
    ['at 12:30:45', [t('at 12:30:45')]],
    ['✅ plain', [t('✅ plain')]],
  ])('%s', (text, nodes) => {
    expect(parseInline(text)).toEqual(nodes);
  });

  it.each<[string, Inline]>([
    ['<@U1>', { kind: 'user', id: 'U1', label: null }],
    ['<@U1|alice>', { kind: 'user', id: 'U1', label: 'alice' }],
    ['<#C1|general>', { kind: 'channel', id: 'C1', label: 'general' }],
    ['<!subteam^S1|@releasers>', { kind: 'usergroup', id: 'S1', label: '@releasers' }],
    ['<!here>', { kind: 'broadcast', name: 'here' }],
    [
      '<!date^1700000000^{date_num}|then>',
      { kind: 'date', seconds: 1_700_000_000, format: '{date_num}', fallback: 'then' },
    ],
    ['<https://a.test/x_y_z|the *list*>', { kind: 'link', url: 'https://a.test/x_y_z', label: 'the *list*' }],
    [
      '<https://a.test?a=1&amp;b=2>',
      { kind: 'link', url: 'https://a.test?a=1&b=2', label: 'https://a.test?a=1&b=2' },
    ],
    ['<mailto:a@b.test>', { kind: 'link', url: 'mailto:a@b.test', label: 'a@b.test' }],
  ])('%s', (text, node) => {
    expect(parseInline(text)).toEqual([node]);
  });

  it('a bare address becomes a link without its full stop', () => {
    expect(parseInline('see https://a.test/b.')).toEqual([
      t('see '),
      { kind: 'link', url: 'https://a.test/b', label: 'https://a.test/b' },
      t('.'),
    ]);
  });
});

describe('blocks of text', () => {
  it('fenced code, quotes and lines', () => {
    expect(parseMrkdwn('before\n&gt; said\n> too\nafter\n```\na < b\n```')).toEqual([
      { kind: 'lines', children: [t('before')] },
      { kind: 'quote', children: [t('said\ntoo')] },
      { kind: 'lines', children: [t('after')] },
      { kind: 'pre', text: 'a < b' },
    ]);
  });

  it('an unclosed fence is ordinary text', () => {
    expect(parseMrkdwn('a ``` b')).toEqual([{ kind: 'lines', children: [t('a ``` b')] }]);
  });

  it('code shows addresses as they were typed', () => {
    expect(parseMrkdwn('```<https://a.test|a.test> &lt;b&gt;```')).toEqual([
      { kind: 'pre', text: 'a.test <b>' },
    ]);
  });
});

describe('nothing comes alive', () => {
  it('escapes are undone once, into text', () => {
    expect(parseInline('&lt;b&gt; &amp;lt;')).toEqual([t('<b> &lt;')]);
    expect(parseInline('&lt;@U1&gt; &lt;!channel&gt;')).toEqual([t('<@U1> <!channel>')]);
  });

  it.each([
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '<javascript:alert(1)|click>',
    '<data:text/html,x|y>',
    '<vbscript:x>',
    '<>',
    '<a',
    '</b>',
  ])('%s stays text', (text) => {
    expect(links(parseInline(text))).toEqual([]);
    expect(words(parseInline(text))).toBe(text);
  });

  it('an address of any other kind is no link', () => {
    for (const url of [
      'javascript:alert(1)',
      ' javascript:alert(1)',
      'JaVaScRiPt:x',
      'data:text/html,x',
      'file:///x',
      '//a.test',
      'https://a b',
    ]) {
      expect(isSafeUrl(url)).toBe(false);
    }
    expect(isSafeUrl('HTTPS://a.test')).toBe(true);
  });

  it('whatever is typed: only safe links, and escaped text reads as it was typed', () => {
    const piece = fc.constantFrom(
      '<',
      '>',
      '&',
      '|',
      '*',
      '_',
      '~',
      '`',
      '```',
      '\n',
      '@U1',
      '!here',
      'javascript:',
      'https://a.test',
      ':x:',
      ' ',
      'word',
      '&lt;',
      '&amp;',
    );
    let linked = 0;
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 25 }), (pieces) => {
        const text = pieces.join('');
        const found = parseMrkdwn(text).flatMap((block) =>
          block.kind === 'pre' ? [] : links(block.children),
        );
        linked += found.length;
        expect(found.every(isSafeUrl)).toBe(true);
        const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
        const alive = parseInline(escaped).filter((node) =>
          ['user', 'broadcast', 'channel', 'usergroup'].includes(node.kind),
        );
        expect(alive).toEqual([]);
      }),
      { numRuns: 500 },
    );
    expect(linked).toBeGreaterThan(20);
  });

  it('reads a long hostile text in no time', () => {
    const text = '*_~`<'.repeat(2_400);
    const begun = performance.now();
    parseMrkdwn(text);
    expect(performance.now() - begun).toBeLessThan(2_000);
  });
});

describe('emoji', () => {
  it('knows the usual names and leaves the others, prototype names included', () => {
    expect(emojiOf('white_check_mark')).toBe('✅');
    expect(emojiOf('nope')).toBeNull();
    expect(emojiOf('constructor')).toBeNull();
  });
});
