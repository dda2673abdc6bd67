import { parseArgs } from 'node:util';
import { loadCatalog } from '../compose/catalog.ts';
import { mermaid } from '../workflows/graph.ts';
import { pictureOf } from '../workflows/picture.ts';
import { svg } from '../workflows/svg.ts';
import { configFromEnvironment } from './environment.ts';
import { readWorkflowFile } from './read-workflow.ts';

/**
 * `baton graph FILE [--svg]`: a workflow file as a Mermaid flowchart, or as an SVG picture.
 * @returns 0, or 2 without a file
 * @throws BatonError `workflow_invalid` or `file_unreadable`
 */
export function graph(argv: string[]): number {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: { svg: { type: 'boolean', default: false } },
  });
  const [file] = positionals;
  if (file === undefined || positionals.length > 1) {
    console.error('Which file? baton graph FILE [--svg]');
    return 2;
  }
  const { home, runners, mcp } = configFromEnvironment();
  const { rules } = loadCatalog(home, { runners, mcp: mcp.servers });
  const workflow = readWorkflowFile(file, rules);
  const picture = pictureOf(workflow.flow, rules);
  process.stdout.write(values.svg ? svg(picture, workflow.title) : mermaid(picture));
  return 0;
}
