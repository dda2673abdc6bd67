import { z } from 'zod';
import { durationMs, durationSchema } from '../domain/duration.ts';
import { commandEstimate } from '../domain/estimate.ts';
import { mergeContext } from '../domain/handoff.ts';
import { runCommand } from '../ports/activities.ts';
import type { CommandResult } from '../ports/workspace.ts';
import { commonShape } from './on-error.ts';
import { definePattern } from './pattern.ts';

/** Lines of output handed on as a finding: what fits a prompt and still names the failing test. */
const TAIL_LINES = 40;

const schema = z.strictObject({
  ...commonShape,
  kind: z.literal('command'),
  /** `test` is the repository's own test command. */
  run: z.union([z.literal('test'), z.array(z.string()).min(1)]),
  timeout: durationSchema.default('10m'),
});

/**
 * A leaf: runs a command in the worktree; its exit code is the validation. One that was stopped, for its time or for what it
 * took, is a check that does not pass: tests that hang are for whoever made them hang to mend, and hear of it as a finding.
 */
export const command = definePattern({
  kind: 'command',
  schema,
  *run(node, input, flow, context) {
    const argv = node.run === 'test' ? context.testCommand : node.run;
    if (argv === null) {
      return {
        ...input,
        validation: { passed: true, quality: null, findings: [] },
        warnings: [
          ...input.warnings,
          'This repository has no test command that Baton recognises, so nothing was tested.',
        ],
      };
    }
    const refusal = yield* context.permit(argv, node.id, flow);
    if (refusal !== null) {
      return {
        ...input,
        validation: { passed: false, quality: null, findings: [refusal] },
        warnings: [
          ...new Set([...input.warnings, `${argv.join(' ').slice(0, 200)} was not run: ${refusal}`]),
        ],
      };
    }
    yield* flow.emit({ type: 'node.started', node: node.id, kind: 'command' });
    const timeoutMs = durationMs(node.timeout);
    const done = yield* flow.step(
      'run',
      runCommand,
      { node: node.id, stream: context.stream, argv: [...argv], timeoutMs },
      // The command has its own limit; the step's is the safety net behind it.
      { label: `running ${argv.join(' ')}`, timeoutMs: timeoutMs + 30_000 },
    );
    const passed = done.exitCode === 0 && done.ended === null;
    const counts = done.passed === null ? '' : ` (${done.passed} passed, ${done.failed ?? 0} failed)`;
    const said =
      done.ended === null
        ? passed
          ? 'passes'
          : 'fails'
        : `was stopped: ${whyStopped(done.ended, node.timeout)}`;
    const summary = `${argv.join(' ')} ${said}${counts}`;
    yield* flow.emit({ type: 'node.finished', node: node.id, status: passed ? 'done' : 'failed', summary });
    return {
      result: {
        exitCode: done.exitCode,
        passed: done.passed,
        failed: done.failed,
        output: tail(done.output),
      },
      context: mergeContext(input.context, [{ node: node.id, agent: null, summary }]),
      validation: { passed, quality: null, findings: passed ? [] : [`${summary}\n${tail(done.output)}`] },
      warnings: input.warnings,
    };
  },
  estimate: (_node, context) => commandEstimate(context.commandMs),
  describe: (node) => (node.run === 'test' ? 'the tests' : node.run.join(' ')),
});

function tail(output: string): string {
  return output.trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
}

function whyStopped(why: NonNullable<CommandResult['ended']>, timeout: string): string {
  switch (why) {
    case 'timeout':
      return `it took longer than ${timeout} (\`timeout:\` of its node)`;
    case 'resource_limit':
      return 'it took more memory or disk, or began more processes, than it may (BATON_COMMAND_MEMORY, BATON_COMMAND_DISK)';
    case 'output_limit':
      return 'it printed without an end';
    case 'cancelled':
      return 'it was ended from outside';
    default:
      return why satisfies never;
  }
}
