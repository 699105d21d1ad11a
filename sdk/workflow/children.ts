// Child workflows: started by a command, acknowledged when the child's run exists, settled when it closes.
import {
  type ArgumentsOption,
  ChildWorkflowFailure,
  type Duration,
  durationToSeconds,
  encodeRetryPolicy,
  priorityHeader,
  type RetryPolicy,
  type SignalDefinition,
  type TaskPriorityOptions,
  WorkflowAlreadyStartedFailure,
  type WorkflowFunction,
  type WorkflowResult,
  workflowTypeOf,
} from '../common/index.ts';
import { CancellationScope } from './cancellation-scope.ts';
import { currentRun } from './current-run.ts';
import { signalExternal } from './external-workflows.ts';
import { createDeferred, handled, rejectionCause } from './pending-call.ts';
import type { ChildCommand, ParentClose, Rejection, ReusePolicy } from './protocol.ts';
import { readResult, wireArguments, wireFields, wireSearchAttributes } from './wire-payload.ts';
import { captureStack, type WorkflowRun } from './workflow-run.ts';

export interface ChildSettings extends TaskPriorityOptions {
  /** Default: derived from the parent's first run id, the same on every replay and after a reset. */
  readonly workflowId?: string;
  readonly taskList?: string;
  readonly domain?: string;
  /** Default: the parent's. */
  readonly executionTimeout?: Duration;
  readonly taskTimeout?: Duration;
  /** What happens to the child when the parent closes first. Default terminate. */
  readonly parentClose?: ParentClose;
  readonly reusePolicy?: ReusePolicy;
  readonly retry?: RetryPolicy;
  readonly cronSchedule?: string;
  readonly memo?: Readonly<Record<string, unknown>>;
  readonly searchAttributes?: Readonly<Record<string, unknown>>;
  /** `try` (default): the call throws at once when cancelled. `wait`: it waits for the child's end. */
  readonly cancellation?: 'try' | 'wait';
}

/** `args` is needed when the workflow has parameters that are not optional. */
export type ChildOptions<Args extends readonly unknown[] = readonly unknown[]> = ChildSettings & ArgumentsOption<Args>;
/** The options of any child, once its own types are checked. */
type AnyChildOptions = ChildSettings & { readonly args?: readonly unknown[] };
/** Options may be left out where no arguments are needed. */
type ChildArguments<F extends WorkflowFunction> =
  [] extends Parameters<F> ? [options?: ChildOptions<Parameters<F>>] : [options: ChildOptions<Parameters<F>>];

export interface ChildHandle<R = unknown> {
  readonly workflowId: string;
  readonly runId: string;
  /** Waits for the child's result. Throws ChildWorkflowFailure. */
  result(): Promise<R>;
  signal<Args extends readonly unknown[]>(signal: SignalDefinition<Args>, ...args: Args): Promise<void>;
}

function childCommand(run: WorkflowRun, id: string, workflowType: string, options: AnyChildOptions): ChildCommand {
  const { info } = run;
  return {
    kind: 'startChild',
    id,
    workflowId: options.workflowId ?? `${info.originalRunId}_${id}`,
    workflowType,
    domain: options.domain ?? '',
    taskList: options.taskList ?? info.taskList,
    input: wireArguments(options.args ?? []),
    executionSeconds:
      options.executionTimeout === undefined
        ? info.executionTimeoutSeconds
        : durationToSeconds(options.executionTimeout),
    taskSeconds: options.taskTimeout === undefined ? info.taskTimeoutSeconds : durationToSeconds(options.taskTimeout),
    parentClose: options.parentClose ?? 'terminate',
    reusePolicy: options.reusePolicy ?? 'allowDuplicateFailedOnly',
    retry: options.retry ? encodeRetryPolicy(options.retry, info.executionTimeoutSeconds) : null,
    cronSchedule: options.cronSchedule ?? '',
    memo: wireFields(options.memo),
    searchAttributes: wireSearchAttributes(options.searchAttributes),
    header: priorityHeader(options),
  };
}

function childError(command: ChildCommand, runId: string | undefined, rejection: Rejection): Error {
  if (rejection.kind === 'alreadyStarted') return new WorkflowAlreadyStartedFailure(command.workflowId);
  const cause = rejectionCause(rejection);
  if (rejection.kind === 'cancelled') return cause;
  return new ChildWorkflowFailure(command.workflowType, command.workflowId, runId, cause);
}

interface ChildCall {
  readonly command: ChildCommand;
  readonly started: Promise<string>;
  readonly result: Promise<unknown>;
}

function callChild(workflowType: string, options: AnyChildOptions = {}): ChildCall {
  const run = currentRun();
  const scope = CancellationScope.current();
  scope.throwIfCancelled();
  const command = childCommand(run, run.nextId(), workflowType, options);
  const started = createDeferred<string>();
  const result = createDeferred<unknown>();
  let runId: string | undefined;
  const reject = (error: Error) => {
    started.reject(error);
    result.reject(error);
  };
  const detach = scope.onCancel((failure) => {
    run.issue({ kind: 'cancelChild', workflowId: command.workflowId });
    if (options.cancellation === 'wait') return;
    run.pending.delete(command.id);
    reject(failure);
  });
  run.pending.set(command.id, {
    what: `child workflow ${workflowType} (${command.workflowId})`,
    at: captureStack(callChild),
    started: (id) => {
      runId = id;
      started.resolve(id);
    },
    resolve: (value) => {
      detach();
      result.resolve(readResult(value));
    },
    reject: (rejection) => {
      detach();
      reject(childError(command, runId, rejection));
    },
  });
  run.issue(command);
  return { command, started: handled(started.promise), result: handled(result.promise) };
}

/** Starts a child and waits until its run exists. Throws WorkflowAlreadyStartedFailure. */
export async function startChild<F extends WorkflowFunction>(
  workflow: F | string,
  ...[options]: ChildArguments<F>
): Promise<ChildHandle<WorkflowResult<F>>> {
  const { command, started, result } = callChild(workflowTypeOf(workflow), options);
  const runId = await started;
  return {
    workflowId: command.workflowId,
    runId,
    result: () => result as Promise<WorkflowResult<F>>,
    signal: (signal, ...args) =>
      signalExternal(
        { workflowId: command.workflowId, runId: '', domain: command.domain, childOnly: true },
        signal,
        args,
      ),
  };
}

/** Starts a child and waits for its result. */
export async function executeChild<F extends WorkflowFunction>(
  workflow: F | string,
  ...[options]: ChildArguments<F>
): Promise<WorkflowResult<F>> {
  return (await callChild(workflowTypeOf(workflow), options).result) as WorkflowResult<F>;
}
