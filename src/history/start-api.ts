// Starting workflows: one running run per workflow id, whatever races (semantics §2.12, §2.13).
import { type StartWorkflowExecutionRequest, WorkflowIdReusePolicy } from '@antiphon/proto';
import { badRequest } from '#base';
import {
  type CreateWorkflow,
  createWorkflow,
  type DomainView,
  decide,
  decideStart,
  domainOfNewRun,
  firstDecisionBackoffSeconds,
  isActiveActive,
  type SignalInput,
  type StartAnswer,
  sameAttribute,
} from '#core';
import { uuidV7 } from '#env';
import type { HistoryClient } from '#rpc';
import { type HistoryContext, requireActive } from './context.ts';
import { HISTORY_IDENTITY } from './outside-work.ts';
import { isOpen } from './run-state.ts';
import type { ShardActor } from './shard-actor.ts';
import type { RunEntry, Slot } from './workflow-cache.ts';

type StartExtras = Pick<CreateWorkflow, 'parent' | 'signal' | 'partitionConfig'>;
type Replaced = { readonly entry: RunEntry; readonly answer: Extract<StartAnswer, { kind: 'terminateAndCreate' }> };

type Policy = StartWorkflowExecutionRequest['activeClusterSelectionPolicy'];

/** The run's domain, and the same as the run sees it. */
interface Domains {
  readonly domain: DomainView;
  readonly own: DomainView;
}

/** Of two runs of a workflow id every region takes the one with the larger version for the current one. */
export function requireLaterVersion(own: DomainView, writtenVersion: number, workflowId: string): void {
  if (own.failoverVersion >= writtenVersion) return;
  throw badRequest(
    `Workflow ID ${workflowId} was last used with another cluster attribute, at failover version ${writtenVersion}, and this one is at ` +
      `${own.failoverVersion}: use another workflow ID, or the same cluster attribute.`,
  );
}

export function createStartApi(context: HistoryContext): Pick<HistoryClient, 'startWorkflow' | 'signalWithStart'> {
  const { env, clusters } = context.deps;

  /** The new run, and in the same commit the end of the one it replaces. */
  const create = (
    actor: ShardActor,
    slot: Slot,
    { domain, own }: Domains,
    command: Omit<CreateWorkflow, 'firstDecisionBackoffSeconds'>,
    replaced: Replaced | undefined,
  ): { runId: string } => {
    actor.assertOpen();
    const decideContext = context.decideContext(actor, own);
    const updates = [];
    if (replaced !== undefined) {
      const { reason, details } = replaced.answer;
      const terminate = {
        kind: 'terminate' as const,
        reason,
        details: { data: Buffer.from(details) },
        identity: HISTORY_IDENTITY,
      };
      const { state } = replaced.entry;
      const { run } = decide(state, terminate, context.decideContext(actor, context.activeOf(domain, state)));
      updates.push({ entry: replaced.entry, transition: run });
    }
    const backoff = firstDecisionBackoffSeconds(command.request, decideContext.nowMs, decideContext.random);
    const transition = createWorkflow({ ...command, firstDecisionBackoffSeconds: backoff }, decideContext);
    actor.write(slot, { updates, creates: [transition] });
    return { runId: command.runId };
  };

  const startIn = async (
    actor: ShardActor,
    slot: Slot,
    domain: DomainView,
    request: StartWorkflowExecutionRequest,
    extras: StartExtras,
  ): Promise<{ runId: string }> => {
    const policy = request.activeClusterSelectionPolicy;
    const own = requireActive(domainOfNewRun(domain, policy), clusters);
    const current = slot.current === undefined ? await actor.currentRun(slot) : (slot.current ?? undefined);
    const runId = uuidV7(env);
    // Versions of different cluster attributes tell nothing of each other.
    const isOther = current !== undefined && isActiveActive(domain) && !(await hasAttribute(actor, slot, policy));
    const answer = decideStart(
      current,
      {
        workflowId: request.workflowId,
        newRunId: runId,
        requestId: request.requestId,
        reusePolicy: request.workflowIdReusePolicy,
      },
      { domain: isOther ? { ...own, failoverVersion: current.lastWriteVersion } : own, clusters },
    );
    const command = { ...extras, runId, request };
    switch (answer.kind) {
      case 'existing':
        return { runId: answer.runId };
      case 'alreadyStarted':
        throw answer.error;
      case 'create':
        if (isOther) requireLaterVersion(own, current.lastWriteVersion, request.workflowId);
        return create(actor, slot, { domain, own }, command, undefined);
      case 'terminateAndCreate': {
        if (isOther) requireLaterVersion(own, current.lastWriteVersion, request.workflowId);
        const entry = await actor.loadRun(slot, '');
        return create(actor, slot, { domain, own }, command, { entry, answer });
      }
    }
  };

  /** Whether the current run is of this cluster attribute. One that retention took is of none. */
  const hasAttribute = async (actor: ShardActor, slot: Slot, policy: Policy): Promise<boolean> => {
    const entry = await actor.findRun(slot, '');
    return entry !== undefined && sameAttribute(entry.state.info.activeClusterSelectionPolicy, policy);
  };

  return {
    async startWorkflow(request, { domainId, parent, partitionConfig }) {
      const domain = await context.activeDomain(domainId);
      // Before the shard is asked for: most of those that are not ours end here.
      requireActive(domainOfNewRun(domain, request.activeClusterSelectionPolicy), clusters);
      const actor = await context.shards.of(request.workflowId);
      actor.requireRoom();
      return actor.exclusive(domainId, request.workflowId, (slot) =>
        startIn(actor, slot, domain, request, { parent, partitionConfig }),
      );
    },

    async signalWithStart(request, { signalName, input }, domainId, partitionConfig) {
      const domain = await context.activeDomain(domainId);
      const actor = await context.shards.of(request.workflowId);
      actor.requireRoom();
      const { requestId, identity, workflowIdReusePolicy } = request;
      const signal: SignalInput = { signalName, input, identity, requestId };
      const isReplacing = workflowIdReusePolicy === WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING;
      return actor.exclusive(domainId, request.workflowId, async (slot) => {
        const entry = await actor.findRun(slot, '');
        if (entry !== undefined) {
          const { runId } = entry.key;
          // A repeated call: the signal was taken, whatever has become of the run.
          if (requestId !== '' && entry.state.signalRequestIds.has(requestId)) return { runId };
          if (isOpen(entry.state) && !isReplacing) {
            const own = context.activeOf(domain, entry.state);
            await context.decideIn(actor, slot, entry, { kind: 'signal', ...signal }, own);
            return { runId };
          }
        }
        if (requestId === '') throw badRequest('Missing request ID.');
        return startIn(actor, slot, domain, request, { signal, partitionConfig });
      });
    },
  };
}
