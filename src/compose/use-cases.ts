import type { Access } from '../domain/access.ts';
import { Absences } from '../orchestrator/absences.ts';
import { HandOvers } from '../orchestrator/hand-over/hand-overs.ts';
import { Orchestrator, type OrchestratorDeps } from '../orchestrator/orchestrator.ts';
import { PersonDesk, type PersonDeskDeps } from '../orchestrator/person-desk.ts';
import { PlanReviews } from '../orchestrator/plan-reviews.ts';
import { Queries } from '../orchestrator/queries.ts';
import { Roles } from '../orchestrator/roles.ts';
import { Rollbacks } from '../orchestrator/rollback/rollbacks.ts';
import { RunSignals } from '../orchestrator/signals.ts';
import { SteeringDesk } from '../orchestrator/steering.ts';
import type { Directory } from '../ports/directory.ts';

/** Everything people can make Baton do, joined over one engine and one store. */
export function joinUseCases(
  given: Omit<OrchestratorDeps, 'roles'> & {
    readonly access: Access;
    readonly directory: Directory;
    readonly people: PersonDeskDeps['people'];
  },
) {
  const {
    engine,
    store,
    catalog,
    interpreter,
    registry,
    clock,
    redact,
    directory,
    access,
    people,
    budget,
    stepLimits,
  } = given;
  const roles = new Roles({ access, directory });
  const shared = { engine, store, catalog, interpreter, clock, redact, roles, budget, stepLimits };
  const orchestrator = new Orchestrator({ ...given, roles });
  const queries = new Queries(store, (session, user) => roles.sees(session, user));
  const plans = new PlanReviews(shared);
  const persons = new PersonDesk({ tasks: store.personTasks, directory, people, engine, clock, redact });
  const rollbacks = new Rollbacks({
    store,
    registry,
    engine,
    clock,
    roles,
    resume: (...wish) => orchestrator.retry(...wish),
  });
  const handOvers = new HandOvers({ store, queries, engine, roles, clock });
  return {
    roles,
    orchestrator,
    queries,
    plans,
    persons,
    rollbacks,
    handOvers,
    signals: new RunSignals(shared),
    steer: new SteeringDesk({
      ...shared,
      orchestrator,
      plans,
      queries,
      persons,
      directory,
      rollbacks,
      handOvers,
    }),
    absences: new Absences({ delegations: store.delegations, directory, access, clock }),
  };
}
