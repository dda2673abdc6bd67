import type { Concerns, RunAnswer } from '../orchestrator/queries.ts';
import type { UsageReader } from '../ports/usage.ts';
import type { View } from '../slack/blocks.ts';
import { type HomeView, homeView } from '../slack/builders/home.ts';
import { runLine } from '../slack/run-views.ts';

/** One person's overview as their App Home. @param mineUsd what their own runs cost lately @param now milliseconds since the epoch */
export function homeOf(
  { waiting, tasks, mine, team, ended }: Concerns,
  mineUsd: HomeView['mineUsd'],
  now: number,
): View {
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
    ended: ended.map((run) => ({ ...line(run), endedAt: run.view.endedAt ?? run.view.lastAt })),
    mineUsd,
    spentUsd: spent.some((usd) => usd === null)
      ? null
      : spent.reduce((sum: number, usd) => sum + (usd ?? 0), 0),
    budgetUsd: budgets.length === 0 ? null : budgets.reduce((sum, usd) => sum + usd, 0),
  });
}

/** What one person's runs have cost since midnight and since the first of the month, by this machine's calendar. */
export async function spentBy(
  usage: Pick<UsageReader, 'byChannel'>,
  team: string,
  user: string,
  now: number,
): Promise<HomeView['mineUsd']> {
  const today = new Date(now);
  const since = (day: number) => new Date(today.getFullYear(), today.getMonth(), day).getTime();
  // In no channel in particular: their own, wherever they asked.
  const sum = async (from: number) => await usage.byChannel({ team, user, channel: '' }, from);
  const [day, month] = await Promise.all([sum(since(today.getDate())), sum(since(1))]);
  const usd = (lines: typeof day): number => lines.reduce((total, { costUsd }) => total + costUsd, 0);
  return { day: usd(day), month: usd(month), isLeast: month.some(({ unpriced }) => unpriced > 0) };
}
