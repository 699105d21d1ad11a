// Which run a workflow id means after runs were replicated. The newer of two wins. The loser, if open, is terminated when this cluster was
// the last to write it (with that version, so that the other regions see it end too), and otherwise becomes a zombie: it waits, without
// work, for its own cluster to end it. A zombie that turns out to be the newer one is revived.
// Cadence: service/history/ndc/transaction_manager*.go, workflow.go.
import { type DecideContext, decide, type RunTransition, type WorkflowState } from '#core';
import type { CurrentRun } from '#persistence';
import type { NdcTransaction, NdcWrites } from '../ports.ts';
import { contextWithVersion, isOwnVersion } from './contexts.ts';
import { asOpen, asZombie, currentRunOf, happensAfter, isClosed, isZombie, versionOf } from './run-clock.ts';

/** One run as replication changed it. */
export interface ReplicatedRun {
  readonly transition: RunTransition;
  readonly isNew: boolean;
  /** Its tasks are those of these events only; undefined work (rebuilt, revived) needs all of them. */
  readonly needsAllTasks: boolean;
  readonly wasZombie: boolean;
}

type RunWrite = NdcWrites['runs'][number];

const NO_TASKS = { transfer: [], timer: [], replication: [] } as const;

export const VERSION_CONFLICT_REASON = 'Terminate Workflow Due To Version Conflict.';
export const WORKER_SERVICE_IDENTITY = 'worker-service';

function withAllTasks(transition: RunTransition, context: DecideContext): RunTransition {
  // At the version that was written last: whatever the domain says meanwhile, refreshing must not write events.
  const own = contextWithVersion(context, versionOf(transition.state));
  const refreshed = decide(transition.state, { kind: 'refreshTasks' }, own).run;
  // What this cluster has to tell the others stays; the rest is derived anew.
  const { replication } = transition.tasks;
  return { state: refreshed.state, batches: transition.batches, tasks: { ...refreshed.tasks, replication } };
}

/** The run counts: open ones work, closed ones end as any other. */
function asCounting(run: ReplicatedRun, context: DecideContext): RunWrite {
  const { transition, isNew } = run;
  if (isClosed(transition.state)) {
    return { transition: run.needsAllTasks ? withAllTasks(transition, context) : transition, isNew };
  }
  const open = { ...transition, state: asOpen(transition.state) };
  const needsAll = run.needsAllTasks || run.wasZombie;
  return { transition: needsAll ? withAllTasks(open, context) : open, isNew };
}

/** The run does not count while another does: an open one rests. */
function asResting(run: ReplicatedRun, context: DecideContext): RunWrite {
  if (isClosed(run.transition.state)) return asCounting(run, context);
  const { transition, isNew } = run;
  const tasks = { ...NO_TASKS, replication: transition.tasks.replication };
  return { transition: { ...transition, state: asZombie(transition.state), tasks }, isNew };
}

/** What becomes of the run that counted until now. */
function suppress(loser: WorkflowState, context: DecideContext): RunWrite | undefined {
  if (isClosed(loser) || isZombie(loser)) return undefined;
  const version = versionOf(loser);
  if (!isOwnVersion(context, version)) {
    return { transition: { state: asZombie(loser), batches: [], tasks: NO_TASKS }, isNew: false };
  }
  const terminated = decide(
    loser,
    { kind: 'terminate', reason: VERSION_CONFLICT_REASON, identity: WORKER_SERVICE_IDENTITY },
    contextWithVersion(context, version),
  );
  return { transition: terminated.run, isNew: false };
}

export interface Settled {
  readonly writes: NdcWrites;
  /** The run that the workflow id means afterwards, as the writes leave it. */
  readonly counting: WorkflowState;
  /** Another run, written with a later version, stands against the target. */
  readonly lostToVersion: boolean;
}

/** The writes that make `target` (and the run it continued as) part of the workflow. */
export async function settleCurrentRun(
  transaction: NdcTransaction,
  target: ReplicatedRun,
  newRun: ReplicatedRun | undefined,
): Promise<Settled> {
  const context = transaction.context();
  const contender = newRun ?? target;
  const all = newRun === undefined ? [target] : [target, newRun];
  const stored = await transaction.currentRun();
  const other = await otherRun(transaction, stored, target);
  const candidate = contender.transition.state;
  if (other !== undefined && !happensAfter(candidate, other)) {
    const runs = all.map((run) => asResting(run, context));
    return { writes: { runs }, counting: other, lostToVersion: versionOf(candidate) < versionOf(other) };
  }
  const kept = all.filter((run) => run !== contender).map((run) => asResting(run, context));
  const counting = asCounting(contender, context);
  const loser = other === undefined ? undefined : suppress(other, context);
  const { state } = counting.transition;
  const runs = [...(loser === undefined ? [] : [loser]), ...kept, counting];
  return { writes: { runs, current: currentRunOf(state) }, counting: state, lostToVersion: false };
}

/** The run that counts now, when it is not the target itself. */
async function otherRun(
  transaction: NdcTransaction,
  stored: CurrentRun | undefined,
  target: ReplicatedRun,
): Promise<WorkflowState | undefined> {
  if (stored === undefined || stored.runId === target.transition.state.info.runId) return undefined;
  // Retention may have taken it: then nothing stands against the target.
  return transaction.loadRun(stored.runId);
}
