import { createElement, type ReactNode } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import { Blocks } from '../../desk/page/blocks/blocks.tsx';
import { FormProvider } from '../../desk/page/blocks/form.tsx';
import { drawerOf } from '../../desk/page/blocks/kinds.ts';
import LibraryBlock from '../../desk/page/blocks/library.tsx';
import { DeskContext } from '../../desk/page/components/context.ts';
import { Mrkdwn } from '../../desk/page/components/mrkdwn.tsx';
import { createSession, type Session } from '../../desk/page/session.ts';
import { readyState } from './samples.ts';

type Json = Record<string, unknown>;

const plainText = (text: string) => ({ type: 'plain_text', text });
const mrkdwn = (text: string) => ({ type: 'mrkdwn', text });

/** A session that reaches nothing: these tests draw, they do not click. */
function idleSession(): Session {
  const unreachable = () => Promise.reject(new Error('not in this test'));
  return createSession({
    api: { snapshot: unreachable, post: unreachable, streamUrl: () => '' },
    openStream: () => {
      throw new Error('not in this test');
    },
    storage: { getItem: () => null, setItem: () => undefined },
    newId: () => 'id',
    hash: { read: () => '', write: () => undefined },
    later: () => undefined,
  });
}

function draw(node: ReactNode): string {
  const { workspace, me } = readyState();
  return renderToStaticMarkup(
    createElement(DeskContext, { value: { session: idleSession(), workspace, me } }, node),
  );
}

function drawBlocks(...blocks: Json[]): string {
  const container = { type: 'view', viewId: 'V1' } as const;
  return draw(createElement(FormProvider, { container, blocks }, createElement(Blocks, { blocks })));
}

describe('unknown blocks', () => {
  it('are named, with their JSON folded', () => {
    const html = drawBlocks({ type: 'hologram', depth: 3 });
    expect(html).toContain('<summary>Unknown block: hologram</summary>');
    expect(html).toContain('&quot;depth&quot;: 3');
    expect(html).not.toContain('<details open');
  });

  it('are also those without a type, or known ones in a wrong shape', () => {
    expect(drawBlocks({})).toContain('Unknown block: without a type');
    expect(drawBlocks({ type: 'section', text: 'bare' })).toContain('Unknown block: section');
    expect(
      drawBlocks({ type: 'actions', block_id: 'a', elements: [{ type: 'lever', action_id: 'l' }] }),
    ).toContain('Unknown element: lever');
  });

  it('do not take their neighbours along', () => {
    const html = drawBlocks({ type: 'hologram' }, { type: 'header', text: plainText('Still here') });
    expect(html).toContain('Still here');
  });

  it('none is dropped, whatever it is called', () => {
    for (const type of ['constructor', '__proto__', 'toString', 'data_table'])
      expect(drawerOf({ type })).toBe('unknown');
    expect(drawerOf({ type: 'divider' })).toBe('ours');
    expect(drawerOf({ type: 'rich_text' })).toBe('library');
  });
});

describe('blocks', () => {
  it('plain_text stays plain, mrkdwn is read, html comes alive in neither', () => {
    const html = drawBlocks(
      { type: 'section', text: plainText('*not bold* <b>x</b>') },
      { type: 'section', text: mrkdwn('*bold* <b>y</b> &lt;i&gt;') },
      { type: 'header', text: plainText('<img src=x>') },
    );
    expect(html).toContain('*not bold* &lt;b&gt;x&lt;/b&gt;');
    expect(html).toContain('<strong>bold</strong> &lt;b&gt;y&lt;/b&gt; &lt;i&gt;');
    expect(html).not.toMatch(/<b>|<img|<i>/);
  });

  it('buttons carry their words, and states keep their sign as text', () => {
    const html = drawBlocks(
      {
        type: 'actions',
        block_id: 'a',
        elements: [{ type: 'button', action_id: 'go', text: plainText('Approve'), style: 'primary' }],
      },
      { type: 'section', text: mrkdwn('✅ *architect* ⏳') },
    );
    expect(html).toMatch(/<button[^>]*button-primary[^>]*>Approve<\/button>/);
    expect(html).toContain('>✅</span>');
    expect(html.match(/<svg/g)).toHaveLength(2);
  });

  it('inputs have labels, hints and what was filled in', () => {
    const html = drawBlocks({
      type: 'input',
      block_id: 'what',
      label: plainText('What to build'),
      hint: plainText('A sentence'),
      optional: true,
      element: { type: 'plain_text_input', action_id: 'v', initial_value: 'before' },
    });
    const id = /<label[^>]*for="([^"]+)"/.exec(html)?.[1];
    expect(html).toContain(`id="${id}"`);
    expect(html).toContain('What to build');
    expect(html).toContain('(optional)');
    expect(html).toContain(`aria-describedby="${id}-hint"`);
    expect(html).toContain('value="before"');
  });

  it('the initial option is the one chosen', () => {
    const options = ['one', 'two'].map((name) => ({ text: plainText(name), value: name }));
    const select = { type: 'static_select', action_id: 's', options, initial_option: options[1] };
    expect(drawBlocks({ type: 'actions', block_id: 'a', elements: [select] })).toMatch(
      /<option value="two" selected="">two/,
    );
  });

  it('a picture from elsewhere is a link, never loaded', () => {
    const html = drawBlocks({ type: 'image', image_url: 'https://a.test/x.png', alt_text: 'A chart' });
    expect(html).toContain('Picture: A chart');
    expect(html).not.toContain('<img');
  });
});

describe('what the library draws', () => {
  it('escapes html, and makes links of safe addresses only', () => {
    const link = (url: string) => ({ type: 'link', url, text: url });
    const html = draw(
      createElement(LibraryBlock, {
        block: {
          type: 'rich_text',
          elements: [
            {
              type: 'rich_text_section',
              elements: [
                { type: 'text', text: '<b>x</b>' },
                link('javascript:alert(1)'),
                link('https://a.test'),
                { type: 'user', user_id: 'UBOT' },
              ],
            },
          ],
        },
      }),
    );
    expect(html).toContain('&lt;b&gt;x&lt;/b&gt;');
    expect(html.match(/href="[^"]*"/g)).toEqual(['href="https://a.test"']);
    expect(html).toContain('@Baton');
  });

  it('draws plans and their tasks', () => {
    const task = { type: 'task_card', task_id: '1', title: 'Write the spec', status: 'in_progress' };
    const html = draw(
      createElement(LibraryBlock, { block: { type: 'plan', title: 'The plan', tasks: [task] } }),
    );
    expect(html).toContain('The plan');
    expect(html).toContain('Write the spec');
  });
});

describe('mentions', () => {
  it('are drawn by name, one’s own apart', () => {
    const html = draw(
      createElement(Mrkdwn, { text: '<@U1> <@UBOT> <@U9|gone> <#C2> <!subteam^S1|@releasers>' }),
    );
    expect(html).toContain('<span class="mention mention-me">@alice</span>');
    for (const name of ['@Baton', '@gone', '#general', '@releasers']) expect(html).toContain(name);
  });
});
