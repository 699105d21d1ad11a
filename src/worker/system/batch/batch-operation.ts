// What a batch job does to one run. Each may be repeated after a crash: signals, cancels and resets carry a request id made of the job and the
// run, and a run that is gone or closed is as good as done.
import {
  DescribeDomainRequest,
  DescribeWorkflowExecutionRequest,
  RequestCancelWorkflowExecutionRequest,
  ResetWorkflowExecutionRequest,
  SignalWorkflowExecutionRequest,
  TerminateWorkflowExecutionRequest,
} from '@antiphon/proto';
import { ResendReplicationTasksRequest } from '@antiphon/proto/admin';
import { badRequest, ServiceError } from '#base';
import { type FrontendClient, findResetPoint } from '#rpc';
import { requestIdOf } from '../deterministic-id.ts';
import type { BatchJob } from './batch-params.ts';

export interface BatchRun {
  readonly domain: string;
  readonly workflowId: string;
  readonly runId: string;
}

export interface BatchPorts {
  readonly frontend: FrontendClient;
  /** The frontend of a region; undefined: there is none of that name. */
  readonly cluster: (name: string) => FrontendClient | undefined;
  /** Identifies the job over all its attempts. */
  readonly jobId: string;
}

export type BatchOperation = (run: BatchRun) => Promise<void>;

const IDENTITY = 'cadence-batcher';
const DONE_ALREADY: ReadonlySet<string> = new Set([
  'EntityNotExists',
  'WorkflowExecutionAlreadyCompleted',
  'CancellationAlreadyRequested',
]);

export function createBatchOperation(job: BatchJob, ports: BatchPorts): BatchOperation {
  const operate = operationOf(job, ports);
  const once = async (run: BatchRun): Promise<void> => {
    try {
      await operate(run);
    } catch (error) {
      if (!(error instanceof ServiceError) || !DONE_ALREADY.has(error.kind)) throw error;
    }
  };
  if (!job.includesChildren) return once;
  return async (run) => {
    // Their parent forgets them when it closes: they are read before.
    const children = await openChildren(ports.frontend, run);
    await once(run);
    const descend = createBatchOperation(job, ports);
    for (const child of children) await descend(child);
  };
}

function operationOf(job: BatchJob, ports: BatchPorts): BatchOperation {
  const { workflow } = ports.frontend;
  const common = ({ domain, workflowId, runId }: BatchRun) => ({
    domain,
    workflowExecution: { workflowId, runId },
    identity: IDENTITY,
    requestId: requestIdOf([ports.jobId, job.type, domain, workflowId, runId]),
  });
  switch (job.type) {
    case 'terminate':
      return async (run) => {
        await workflow.terminateWorkflowExecution(
          TerminateWorkflowExecutionRequest.fromPartial({ ...common(run), reason: job.reason }),
        );
      };
    case 'cancel':
      return async (run) => {
        await workflow.requestCancelWorkflowExecution(
          RequestCancelWorkflowExecutionRequest.fromPartial({ ...common(run), cause: job.reason }),
        );
      };
    case 'signal':
      return async (run) => {
        const signalInput = { data: Buffer.from(job.signal.input, 'utf8') };
        await workflow.signalWorkflowExecution(
          SignalWorkflowExecutionRequest.fromPartial({ ...common(run), signalName: job.signal.name, signalInput }),
        );
      };
    case 'reset':
      return reset(job, ports);
    case 'replicate':
      return replication(job, ports);
  }
}

function reset({ type, reset: how, reason }: BatchJob, { frontend, jobId }: BatchPorts): BatchOperation {
  return async (run) => {
    if (how === undefined) throw badRequest('a job of type reset has ResetParams');
    const { domain, workflowId } = run;
    const point = await findResetPoint(frontend.workflow, run, how);
    if ('lacks' in point)
      throw badRequest(`run ${point.runId} of ${workflowId} has nothing to reset to by ${how.type}`);
    await frontend.workflow.resetWorkflowExecution(
      ResetWorkflowExecutionRequest.fromPartial({
        domain,
        workflowExecution: { workflowId, runId: point.runId },
        requestId: requestIdOf([jobId, type, domain, workflowId, run.runId]),
        reason,
        decisionFinishEventId: point.eventId,
        skipSignalReapply: how.skipSignalReapply,
      }),
    );
  };
}

/** Has the target region fetch the run's events from the source region. */
function replication(job: BatchJob, ports: BatchPorts): BatchOperation {
  const target = ports.cluster(job.replicate.target);
  const domainId = ports.frontend.domain
    .describeDomain(DescribeDomainRequest.fromPartial({ describeBy: { $case: 'name', value: job.domain } }))
    .then(({ domain }) => domain?.id ?? '');
  domainId.catch(() => undefined); // It is awaited by each run, and fails there.
  return async ({ workflowId, runId }) => {
    if (target === undefined) throw badRequest(`there is no region ${job.replicate.target}`);
    await target.admin.resendReplicationTasks(
      ResendReplicationTasksRequest.fromPartial({
        domainId: await domainId,
        workflowExecution: { workflowId, runId },
        remoteCluster: job.replicate.source,
      }),
    );
  };
}

async function openChildren(frontend: FrontendClient, run: BatchRun): Promise<BatchRun[]> {
  const { domain, workflowId, runId } = run;
  try {
    const { pendingChildren } = await frontend.workflow.describeWorkflowExecution(
      DescribeWorkflowExecutionRequest.fromPartial({ domain, workflowExecution: { workflowId, runId } }),
    );
    return pendingChildren.map((child) => ({
      domain: child.domain || domain,
      workflowId: child.workflowExecution?.workflowId ?? '',
      runId: child.workflowExecution?.runId ?? '',
    }));
  } catch (error) {
    if (error instanceof ServiceError && error.kind === 'EntityNotExists') return [];
    throw error;
  }
}
