import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { withoutSandbox } from './support/environment.ts';
import { World } from './support/processes.ts';

const lineSchema = z.looseObject({ type: z.string() });
const WORKFLOW = 'catalog/workflows/feature.yaml';

describe('baton on the command line', () => {
  let world: World;

  beforeEach(() => {
    world = new World();
  });
  afterEach(async () => {
    await world.clear();
  });

  async function baton(
    ...args: string[]
  ): Promise<{ readonly code: number | null; readonly output: string }> {
    const started = world.run({
      args: ['bin/baton.mjs', ...args],
      env: { BATON_HOME: world.folder('home'), TMPDIR: world.folder('scratch') },
    });
    return { code: await started.ended, output: started.output() };
  }

  function linesOf(output: string): z.infer<typeof lineSchema>[] {
    return output
      .trim()
      .split('\n')
      .map((line) => lineSchema.parse(JSON.parse(line)));
  }

  it('run: prints events and the result as JSON lines, and ends with 0', async () => {
    const { code, output } = await baton('run', WORKFLOW, '--input', '"Add CSV export"', '--json');
    const lines = linesOf(output);
    expect(code).toBe(0);
    expect(lines.filter(({ type }) => type === 'answered')).toMatchObject([
      { verdict: 'approve', accepted: true },
    ]);
    expect(lines.findLast(({ type }) => type === 'result')).toMatchObject({
      status: 'completed',
      diff: { files: [{}, {}, {}, {}] },
    });
    expect(lines.at(-1)).toMatchObject({ type: 'end', status: 'completed' });
    const commands = lines.filter(({ type }) => type === 'command.finished').map(({ exitCode }) => exitCode);
    expect(commands.indexOf(1)).toBeGreaterThanOrEqual(0);
    expect(commands.at(-1)).toBe(0);
  });

  it('run --reject: ends with 1 and says why', async () => {
    const { code, output } = await baton(
      'run',
      WORKFLOW,
      '--input',
      '{"request": "Add CSV export"}',
      '--json',
      '--reject',
    );
    expect(code).toBe(1);
    expect(linesOf(output).at(-1)).toMatchObject({ type: 'end', status: 'failed' });
  });

  it('run with a cast and a file that are not there, or no file at all', async () => {
    const none = await baton('run', 'no-such-workflow.yaml');
    expect(none.code).toBe(1);
    expect(none.output).toContain('no-such-workflow.yaml');
    expect(none.output).not.toMatch(/^\s+at /m);
    const cast = await baton('run', WORKFLOW, '--cast', 'no-such-cast.yaml');
    expect(cast.code).toBe(1);
    expect(cast.output).toContain('no-such-cast.yaml');
    expect(cast.output).not.toMatch(/^\s+at /m);
    expect((await baton('run')).code).toBe(2);
  });

  it('validate, doctor, help and an unknown word', async () => {
    expect((await baton('validate', WORKFLOW)).code).toBe(0);
    const doctor = await baton('doctor');
    expect(doctor.output).toMatch(/✅ node[\s\S]*✅ git/);
    expect((await baton('help')).output).toContain('baton run FILE');
    const unknown = await baton('strat');
    expect(unknown.code).toBe(2);
    expect(unknown.output).toContain('There is no "baton strat"');
    const option = await baton('run', WORKFLOW, '--jsno');
    expect(option.code).not.toBe(0);
    expect(option.output).toContain('--jsno');
    expect(option.output).not.toMatch(/^\s+at /m);
  });

  it.skipIf(withoutSandbox())('runs commands of agents in a sandbox where there is one', async () => {
    const home = world.folder('home');
    const baton = await world.baton(home);
    expect(baton.output()).toContain('Commands of agents: in a sandbox.');
    expect(await baton.end('SIGTERM')).toBe(0);
  });
});
