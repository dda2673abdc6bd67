import type { Decider } from '../src/domain/approval.ts';
import { closedCircuit, quarantined, restored } from '../src/domain/circuit.ts';
import type { Health } from '../src/ports/health.ts';
import { agentsBlocks } from '../src/slack/builders/agents.ts';
import { answerBlocks } from '../src/slack/builders/answers.ts';
import type { Message } from '../src/slack/message.ts';
import { answers } from '../src/slack/words.ts';
import type { Command, CommandCall, CommandDeps } from './command.ts';
import { noteRefusal } from './refused.ts';

const WEEK_MS = 7 * 86_400_000;
/** Characters of a reason that are kept. */
const REASON_CHARS = 300;

/** Who works and who rests; and a person's word on who is asked. */
export const agents: Command = {
  word: 'agents',
  usage: 'agents [quarantine <name> <why> | restore <name>]',
  description:
    'Agents, models and tool servers: state, load, success, cost; takes one out of use, or gives it back',
  async run(call, deps) {
    const [verb = '', name = '', ...why] = call.rest.split(/\s+/);
    if (verb === '') return overview(call, deps);
    if ((verb !== 'quarantine' && verb !== 'restore') || name === '')
      return answerBlocks(answers.agentsUsage, deps.rehearsal);
    return manage(verb, name, why.join(' ').slice(0, REASON_CHARS), call, deps);
  },
};

async function overview(
  call: CommandCall,
  { health, usage, models, toolServers, runners, checks, queries, now, rehearsal }: CommandDeps,
): Promise<Message> {
  const [known, busy, spent] = await Promise.all([
    health.all(),
    queries.busyAgents(call.team),
    usage.byAgent(now() - WEEK_MS),
  ]);
  const told = new Map(known.filter(({ kind }) => kind === 'agent').map((each) => [each.name, each]));
  const names = [...new Set([...told.keys(), ...busy.keys(), ...spent.keys()])].sort();
  const load = models.load;
  const servers = new Map(known.filter(({ kind }) => kind === 'model').map((each) => [each.name, each]));
  const configured = `${models.model}@${models.host}`;
  if (!servers.has(configured)) servers.set(configured, blank('model', configured));
  const idle = { busy: 0, waiting: 0, spent: null, problem: null };
  const seen = (name: string) => checks.problemOf(name) ?? null;
  return agentsBlocks(
    {
      agents: names.map((name) => ({
        ...idle,
        health: told.get(name) ?? blank('agent', name),
        busy: busy.get(name) ?? 0,
        spent: spent.get(name) ?? null,
      })),
      models: [...servers.values()].map((each) => {
        const { open, waiting } = load.get(each.name.slice(each.name.lastIndexOf('@') + 1)) ?? {
          open: 0,
          waiting: 0,
        };
        return { health: each, busy: open, waiting, spent: null, problem: seen(each.name) };
      }),
      runners: runners.map((name) => ({ name, problem: checks.problemOf(name) })),
      servers: toolServers.map((name) => ({
        ...idle,
        problem: seen(name),
        health: known.find((each) => each.kind === 'server' && each.name === name) ?? blank('server', name),
      })),
    },
    now(),
    rehearsal,
  );
}

function blank(kind: Health['kind'], name: string): Health {
  return { kind, name, circuit: closedCircuit, done: 0, failed: 0, lastFailure: null };
}

async function manage(
  verb: 'quarantine' | 'restore',
  name: string,
  why: string,
  call: CommandCall,
  deps: CommandDeps,
): Promise<Message> {
  const { health, catalog, models, toolServers, people, approvers, rehearsal, now, redact } = deps;
  const kind = catalog.roles.has(name)
    ? 'agent'
    : toolServers.includes(name)
      ? 'server'
      : name === `${models.model}@${models.host}` ||
          (await health.all()).some((each) => each.kind === 'model' && each.name === name)
        ? 'model'
        : null;
  if (kind === null) return answerBlocks(answers.agentUnknown(name), rehearsal);
  if (verb === 'quarantine' && why === '') return answerBlocks(answers.quarantineWhy(name), rehearsal);
  const by = await people.decider(call.user, call.team, call.homeTeam);
  const approves = await deps.roles.has('approver', by, deps.defaultRepository);
  if (!approves || !mayManage(by, approvers(call.team))) {
    await noteRefusal(call, `agents ${verb}`, 'no_role', deps);
    return answerBlocks(answers.agentsForbidden, rehearsal);
  }
  await health.change(kind, name, (circuit) =>
    verb === 'quarantine' ? quarantined(circuit, call.user, redact(why), now()) : restored(circuit, 'person'),
  );
  const out = kind === 'server' ? answers.serverQuarantined(name) : answers.quarantined(name);
  return answerBlocks(verb === 'quarantine' ? out : answers.restored(name), rehearsal);
}

/** Whoever may decide on work may decide on who does it: members, or those that the settings name. */
function mayManage(
  { id, isBot, isGuest, isStranger }: Decider,
  approvers: readonly string[] | null,
): boolean {
  if (isBot || isGuest || isStranger) return false;
  return approvers?.includes(id) ?? true;
}
