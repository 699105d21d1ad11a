// Starting workflows: one running run per workflow id, whatever races (semantics §2.12, §2.13).
import { type StartWorkflowExecutionRequest, WorkflowIdReusePolicy } from '@antiphon/proto';
import { badRequest } from '#base';
import {
  type CreateWorkflow,
  createWorkflow,
  type DomainView,
  decide,
  decideStart,
  firstDecisionBackoffSeconds,
  type SignalInput,
  type StartAnswer,
} from '#core';
import { uuidV7 } from '#env';
import type { HistoryClient } from '#rpc';
import type { HistoryContext } from './context.ts';
import { HISTORY_IDENTITY } from './outside-work.ts';
import { isOpen } from './run-state.ts';
import type { ShardActor } from './shard-actor.ts';
import type { RunEntry, Slot } from './workflow-cache.ts';

type StartExtras = Pick<CreateWorkflow, 'parent' | 'signal' | 'partitionConfig'>;
type Replaced = { readonly entry: RunEntry; readonly answer: Extract<StartAnswer, { kind: 'terminateAndCreate' }> };

export function createStartApi(context: HistoryContext): Pick<HistoryClient, 'startWorkflow' | 'signalWithStart'> {
  const { env, clusters } = context.deps;

  /** The new run, and in the same commit the end of the one it replaces. */
  const create = (
    actor: ShardActor,
    slot: Slot,
    domain: DomainView,
    command: Omit<CreateWorkflow, 'firstDecisionBackoffSeconds'>,
    replaced: Replaced | undefined,
  ): { runId: string } => {
    actor.assertOpen();
    const decideContext = context.decideContext(actor, domain);
    const updates = [];
    if (replaced !== undefined) {
      const { reason, details } = replaced.answer;
      const terminate = {
        kind: 'terminate' as const,
        reason,
        details: { data: Buffer.from(details) },
        identity: HISTORY_IDENTITY,
      };
      const { run } = decide(replaced.entry.state, terminate, decideContext);
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
    const current = slot.current === undefined ? await actor.currentRun(slot) : (slot.current ?? undefined);
    const runId = uuidV7(env);
    const answer = decideStart(
      current,
      {
        workflowId: request.workflowId,
        newRunId: runId,
        requestId: request.requestId,
        reusePolicy: request.workflowIdReusePolicy,
      },
      { domain, clusters },
    );
    const command = { ...extras, runId, request };
    switch (answer.kind) {
      case 'existing':
        return { runId: answer.runId };
      case 'alreadyStarted':
        throw answer.error;
      case 'create':
        return create(actor, slot, domain, command, undefined);
      case 'terminateAndCreate': {
        const entry = await actor.loadRun(slot, '');
        return create(actor, slot, domain, command, { entry, answer });
      }
    }
  };

  return {
    async startWorkflow(request, { domainId, parent, partitionConfig }) {
      const domain = await context.activeDomain(domainId);
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
            await context.decideIn(actor, slot, entry, { kind: 'signal', ...signal }, domain);
            return { runId };
          }
        }
        if (requestId === '') throw badRequest('Missing request ID.');
        return startIn(actor, slot, domain, request, { signal, partitionConfig });
      });
    },
  };
}
