// RPCs that open a run: start, signal-with-start, restart; and reset, which opens one from another's history.
import {
  type Header,
  History,
  type HistoryEvent,
  type StartWorkflowExecutionRequest,
  type WorkflowExecutionStartedEventAttributes,
  WorkflowIdReusePolicy,
} from '@antiphon/proto';
import { badRequest, EntityNotExistsError } from '#base';
import { type DomainView, ISOLATION_GROUP_KEY, priorityFieldsOfHeader, requirePriorityFields } from '#core';
import { createOpenWorkflowQuota } from '#quotas';
import type { CallContext, Handlers, RunRef, SERVICE_DEFINITIONS } from '#rpc';
import { refuseDrained } from './isolation-drain.ts';
import type { Pipeline, Traits } from './pipeline.ts';
import type { FrontendDeps } from './ports.ts';
import { checkBlobSize, checkLength, payloadSize, requireRun } from './request-checks.ts';
import { validatedStart } from './start-validation.ts';

type WorkflowHandlers = Handlers<(typeof SERVICE_DEFINITIONS)['workflow']>;

const NO_PARTITION: Readonly<Record<string, string>> = {};
const START: Traits = { class: 'user', forward: 'selected' };

export function createStartApi(deps: FrontendDeps, { serve, byDomain }: Pipeline): WorkflowHandlers {
  const { env, history, visibility, isolationGroups } = deps;
  const openWorkflows = createOpenWorkflowQuota(env, deps.config, (id) => visibility.count(id, 'CloseTime = missing'));
  // Start has a text of its own for a missing domain.
  const startDomain = (request: { domain: string }) => {
    if (request.domain === '') throw badRequest('Domain name is empty');
    return byDomain(request);
  };
  return {
    startWorkflowExecution: serve('workflow', 'startWorkflowExecution', START, startDomain, async (request, call) => {
      const start = validatedStart(request, deps, { requestIdIsUuid: true, limits: call.limits });
      refuseDeprecated(call.subject);
      refuseDrained(isolationGroups, call.subject, call.context);
      const room = openWorkflows.require(call.subject);
      if (room !== undefined) await room;
      return history.startWorkflow(start, {
        domainId: call.subject.id,
        partitionConfig: partitionOf(call.context, start.header),
      });
    }),

    signalWithStartWorkflowExecution: serve(
      'workflow',
      'signalWithStartWorkflowExecution',
      START,
      ({ startRequest }) => {
        if (startRequest === undefined) throw badRequest('StartRequest is not set on request.');
        return byDomain(startRequest);
      },
      async ({ startRequest, signalName, signalInput }, { subject: domain, context, limits }) => {
        if (startRequest === undefined) throw badRequest('StartRequest is not set on request.');
        if (signalName === '') throw badRequest('SignalName is not set on request.');
        checkLength(signalName, limits, 'SignalName');
        checkBlobSize(payloadSize(signalInput), limits);
        const start = validatedStart(startRequest, deps, { requestIdIsUuid: false, limits });
        refuseDeprecated(domain);
        refuseDrained(isolationGroups, domain, context);
        const room = openWorkflows.require(domain);
        if (room !== undefined) await room;
        const partition = partitionOf(context, start.header);
        return history.signalWithStart(start, { signalName, input: signalInput }, domain.id, partition);
      },
    ),

    restartWorkflowExecution: serve(
      'workflow',
      'restartWorkflowExecution',
      { ...START, normalizesCompleted: true },
      byDomain,
      async (request, { subject: domain, context, limits }) => {
        const run = requireRun(domain.id, request.workflowExecution, limits);
        checkLength(request.identity, limits, 'Identity');
        refuseDeprecated(domain);
        refuseDrained(isolationGroups, domain, context);
        const first = await startedEvent(deps, run);
        if (first === undefined) {
          throw badRequest('Requested workflow history not found, may have passed retention period.');
        }
        const start = restartRequest(request.domain, run.workflowId, request.identity, env.random.uuid(), first);
        // Like the run that it repeats, unless the caller says otherwise.
        const partitionConfig = { ...first.partitionConfig, ...partitionOf(context, start.header) };
        return history.startWorkflow(start, { domainId: domain.id, partitionConfig });
      },
    ),

    resetWorkflowExecution: serve('workflow', 'resetWorkflowExecution', START, byDomain, async (request, call) => {
      const { limits } = call;
      const run = requireRun(call.subject.id, request.workflowExecution, limits);
      checkLength(request.requestId, limits, 'RequestID');
      const decisionFinishEventId = Number(request.decisionFinishEventId);
      if (!Number.isSafeInteger(decisionFinishEventId) || decisionFinishEventId <= 1) {
        throw badRequest('Decision finish ID must be > 1 && <= workflow next event ID.');
      }
      return history.resetWorkflow(run, {
        reason: request.reason,
        decisionFinishEventId,
        requestId: request.requestId || env.random.uuid(),
        skipSignalReapply: request.skipSignalReapply,
      });
    }),
  };
}

function refuseDeprecated(domain: DomainView): void {
  if (domain.isDeprecated) throw badRequest('Domain is deprecated.');
}

/** What the run keeps of its starter: his zone, and the place of its tasks in their lists. Metadata goes before the header. */
function partitionOf(context: CallContext, header: Header | undefined): Readonly<Record<string, string>> {
  const { isolationGroup } = context;
  const fromHeader = priorityFieldsOfHeader(header);
  const fromMetadata = requirePriorityFields((name) => context.metadataText(name));
  if (isolationGroup === '' && fromHeader === undefined && fromMetadata === undefined) return NO_PARTITION;
  return {
    ...fromHeader,
    ...fromMetadata,
    ...(isolationGroup === '' ? undefined : { [ISOLATION_GROUP_KEY]: isolationGroup }),
  };
}

async function startedEvent(
  { history }: FrontendDeps,
  run: RunRef,
): Promise<WorkflowExecutionStartedEventAttributes | undefined> {
  let event: HistoryEvent | undefined;
  try {
    const page = await history.getHistory(run, {
      pageSize: 1,
      token: new Uint8Array(),
      waitForNewEvent: false,
      closeEventOnly: false,
    });
    const [blob] = page.historyBlobs;
    event = blob === undefined ? undefined : History.decode(blob).events[0];
  } catch (error) {
    if (!(error instanceof EntityNotExistsError)) throw error;
  }
  const attributes = event?.attributes;
  return attributes?.$case === 'workflowExecutionStartedEventAttributes' ? attributes.value : undefined;
}

function restartRequest(
  domain: string,
  workflowId: string,
  identity: string,
  requestId: string,
  first: WorkflowExecutionStartedEventAttributes,
): StartWorkflowExecutionRequest {
  return {
    domain,
    workflowId,
    identity,
    requestId,
    workflowIdReusePolicy: WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING,
    workflowType: first.workflowType,
    taskList: first.taskList,
    input: first.input,
    executionStartToCloseTimeout: first.executionStartToCloseTimeout,
    taskStartToCloseTimeout: first.taskStartToCloseTimeout,
    retryPolicy: first.retryPolicy,
    cronSchedule: first.cronSchedule,
    cronOverlapPolicy: first.cronOverlapPolicy,
    memo: first.memo,
    searchAttributes: first.searchAttributes,
    header: first.header,
    activeClusterSelectionPolicy: first.activeClusterSelectionPolicy,
  };
}
