import type { Concerns, RunAnswer } from '../orchestrator/queries.ts';
import type { View } from '../slack/blocks.ts';
import { homeView } from '../slack/builders/home.ts';
import { runLine } from '../slack/run-views.ts';

/** One person's overview as their App Home. @param now milliseconds since the epoch */
export function homeOf({ waiting, tasks, mine, team }: Concerns, now: number): View {
  const line = (run: RunAnswer) => runLine(run.view, { ...run, rehearsal: false, now });
  const budgets = [...mine, ...team].flatMap(({ view }) => view.budgetUsd ?? []);
  const spent = [...mine, ...team].map(({ view }) => view.costUsd);
  return homeView({
    waiting: waiting.map(({ run, approval }) => ({
      approval,
      epicTitle: run.view.plan?.title ?? run.session.request,
    })),
    tasks: tasks.map(({ run, task }) => ({
      task,
      epicTitle: run.view.plan?.title ?? run.session.request,
    })),
    mine: mine.map(line),
    team: team.map(line),
    spentUsd: spent.some((usd) => usd === null)
      ? null
      : spent.reduce((sum: number, usd) => sum + (usd ?? 0), 0),
    budgetUsd: budgets.length === 0 ? null : budgets.reduce((sum, usd) => sum + usd, 0),
  });
}
