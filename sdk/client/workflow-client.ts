// Starts workflows and finds them again.
import { randomUUID } from 'node:crypto';
import {
  CronOverlapPolicy,
  type StartWorkflowExecutionRequest,
  TaskListKind,
  VisibilityAPIService,
  WorkflowAPIService,
  type WorkflowExecutionInfo,
  WorkflowIdReusePolicy,
} from '@antiphon/proto';
import {
  type ArgumentsOption,
  type Duration,
  durationToSeconds,
  encodeRetryPolicy,
  encodeValues,
  priorityHeader,
  type RetryPolicy,
  type SignalDefinition,
  type TaskPriorityOptions,
  type WorkflowFunction,
  type WorkflowResult,
  workflowTypeOf,
} from '../common/index.ts';
import { durationMessage, headerMessage, isRpcError, payloadOf, retryMessage } from '../transport/index.ts';
import { createWorkflowHandle, type HandleContext, type WorkflowHandle } from './workflow-handle.ts';

export type ReusePolicy = 'allowDuplicate' | 'allowDuplicateFailedOnly' | 'rejectDuplicate' | 'terminateIfRunning';

export interface StartSettings extends TaskPriorityOptions {
  readonly taskList: string;
  /** Default: a random id. */
  readonly workflowId?: string;
  /** Limit of one run; the service demands one. */
  readonly executionTimeout: Duration;
  /** Time a worker may take for one decision. Default 10 s. */
  readonly taskTimeout?: Duration;
  readonly reusePolicy?: ReusePolicy;
  readonly retry?: RetryPolicy;
  readonly cronSchedule?: string;
  /** Wait before the first decision. */
  readonly delayStart?: Duration;
  readonly jitterStart?: Duration;
  readonly memo?: Readonly<Record<string, unknown>>;
  readonly searchAttributes?: Readonly<Record<string, unknown>>;
  /** Makes retries of the start itself harmless. Default: random, one per call. */
  readonly requestId?: string;
}

/** `args` is needed when the workflow has parameters that are not optional. */
export type StartOptions<Args extends readonly unknown[] = readonly unknown[]> = StartSettings & ArgumentsOption<Args>;
/** The options of any workflow, once its own types are checked. */
type AnyStartOptions = StartSettings & { readonly args?: readonly unknown[] };

export interface WorkflowClient {
  /** Starts a workflow. Throws RpcError of kind WorkflowExecutionAlreadyStarted. */
  start<F extends WorkflowFunction>(
    workflow: F | string,
    options: StartOptions<Parameters<F>>,
  ): Promise<WorkflowHandle<F>>;
  /** Starts and waits for the result; attaches to the run when the workflow is already started. */
  execute<F extends WorkflowFunction>(
    workflow: F | string,
    options: StartOptions<Parameters<F>>,
  ): Promise<WorkflowResult<F>>;
  /** Signals the workflow, and starts it first when it does not run. */
  signalWithStart<F extends WorkflowFunction, Args extends readonly unknown[]>(
    workflow: F | string,
    options: StartOptions<Parameters<F>>,
    signal: SignalDefinition<Args>,
    ...args: Args
  ): Promise<WorkflowHandle<F>>;
  /** A handle on an existing workflow. Without a run id, its current run is meant. */
  handle<F extends WorkflowFunction = WorkflowFunction>(workflowId: string, runId?: string): WorkflowHandle<F>;
  /** Executions that the visibility query selects, newest first; all without a query. */
  list(query?: string, pageSize?: number): AsyncGenerator<WorkflowExecutionInfo>;
  count(query?: string): Promise<number>;
}

const REUSE = {
  allowDuplicate: WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
  allowDuplicateFailedOnly: WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
  rejectDuplicate: WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
  terminateIfRunning: WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING,
} as const;

const optionalDuration = (duration: Duration | undefined) =>
  duration === undefined ? undefined : durationMessage(durationToSeconds(duration));

function memoOf(fields: Readonly<Record<string, unknown>> | undefined) {
  if (!fields) return undefined;
  const entries = Object.entries(fields).map(([name, value]) => [name, payloadOf(encodeValues([value]))]);
  return { fields: Object.fromEntries(entries) };
}

function searchAttributesOf(fields: Readonly<Record<string, unknown>> | undefined) {
  if (!fields) return undefined;
  const entries = Object.entries(fields).map(([name, value]) => [name, payloadOf(JSON.stringify(value))]);
  return { indexedFields: Object.fromEntries(entries) };
}

function startRequest(
  context: HandleContext,
  workflow: string | WorkflowFunction,
  options: AnyStartOptions,
  defaultReuse: ReusePolicy,
): StartWorkflowExecutionRequest {
  const executionSeconds = durationToSeconds(options.executionTimeout);
  return {
    domain: context.domain,
    workflowId: options.workflowId ?? randomUUID(),
    workflowType: { name: workflowTypeOf(workflow) },
    taskList: { name: options.taskList, kind: TaskListKind.TASK_LIST_KIND_NORMAL, baseName: '' },
    input: payloadOf(encodeValues(options.args ?? [])),
    executionStartToCloseTimeout: durationMessage(executionSeconds),
    taskStartToCloseTimeout: durationMessage(durationToSeconds(options.taskTimeout ?? '10s')),
    identity: context.identity,
    requestId: options.requestId ?? randomUUID(),
    workflowIdReusePolicy: REUSE[options.reusePolicy ?? defaultReuse],
    retryPolicy: options.retry && retryMessage(encodeRetryPolicy(options.retry, 0)),
    cronSchedule: options.cronSchedule ?? '',
    memo: memoOf(options.memo),
    searchAttributes: searchAttributesOf(options.searchAttributes),
    header: headerMessage(priorityHeader(options)),
    delayStart: optionalDuration(options.delayStart),
    jitterStart: optionalDuration(options.jitterStart),
    firstRunAt: undefined,
    cronOverlapPolicy: CronOverlapPolicy.CRON_OVERLAP_POLICY_INVALID,
    activeClusterSelectionPolicy: undefined,
  };
}

async function* listExecutions(
  context: HandleContext,
  query: string,
  pageSize: number,
): AsyncGenerator<WorkflowExecutionInfo> {
  let nextPageToken: Uint8Array = new Uint8Array();
  do {
    const request = { domain: context.domain, pageSize, nextPageToken, query };
    const response = await context.calls.call(VisibilityAPIService.listWorkflowExecutions, request);
    yield* response.executions;
    ({ nextPageToken } = response);
  } while (nextPageToken.length > 0);
}

export function createWorkflowClient(context: HandleContext): WorkflowClient {
  const { calls, domain } = context;
  const start = async <F extends WorkflowFunction>(
    workflow: F | string,
    options: StartOptions<Parameters<F>>,
  ): Promise<WorkflowHandle<F>> => {
    const request = startRequest(context, workflow, options as AnyStartOptions, 'allowDuplicateFailedOnly');
    const { runId } = await calls.call(WorkflowAPIService.startWorkflowExecution, request);
    return createWorkflowHandle<F>(context, request.workflowId, undefined, runId);
  };
  return {
    start,
    execute: async <F extends WorkflowFunction>(
      workflow: F | string,
      options: StartOptions<Parameters<F>>,
    ): Promise<WorkflowResult<F>> => {
      try {
        return await (await start<F>(workflow, options)).result();
      } catch (error) {
        if (!isRpcError(error, 'WorkflowExecutionAlreadyStarted') || !options.workflowId) throw error;
        const { runId } = error.details as { readonly runId?: string };
        return createWorkflowHandle<F>(context, options.workflowId, undefined, runId).result();
      }
    },
    signalWithStart: async <F extends WorkflowFunction>(
      workflow: F | string,
      options: StartOptions<Parameters<F>>,
      signal: SignalDefinition,
      ...args: readonly unknown[]
    ) => {
      const request = startRequest(context, workflow, options as AnyStartOptions, 'allowDuplicate');
      const { runId } = await calls.call(WorkflowAPIService.signalWithStartWorkflowExecution, {
        startRequest: request,
        signalName: signal.name,
        signalInput: payloadOf(encodeValues(args)),
        control: new Uint8Array(),
      });
      return createWorkflowHandle<F>(context, request.workflowId, undefined, runId);
    },
    handle: (workflowId, runId) => createWorkflowHandle(context, workflowId, runId),
    list: (query = '', pageSize = 100) => listExecutions(context, query, pageSize),
    count: async (query = '') => {
      const { count } = await calls.call(VisibilityAPIService.countWorkflowExecutions, { domain, query });
      return Number(count);
    },
  };
}
