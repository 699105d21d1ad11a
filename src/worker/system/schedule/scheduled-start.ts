// How a schedule starts, ends and looks at its runs. A fire's run has an id of its own, made of the action's prefix and the fire's time, and a
// request id made of the schedule and the fire; so the run of a fire exists at most once, whatever is repeated, in whichever region.
import {
  DescribeWorkflowExecutionRequest,
  Memo,
  type Payload,
  RequestCancelWorkflowExecutionRequest,
  SearchAttributes,
  ScheduleAction_StartWorkflowAction as StartWorkflowAction,
  StartWorkflowExecutionRequest,
  TerminateWorkflowExecutionRequest,
  WorkflowExecutionCloseStatus,
  WorkflowIdReusePolicy,
} from '@antiphon/proto';
import { EntityNotExistsError, ServiceError, WorkflowExecutionAlreadyStartedError } from '#base';
import { SCHEDULE_ATTRIBUTES, type ScheduledRun, type ScheduleInput } from '#core';
import type { FrontendClient } from '#rpc';
import { requestIdOf } from '../deterministic-id.ts';

export type RunOutcome = 'open' | 'succeeded' | 'failed' | 'ended';

export interface RunStarter {
  /** Starts the fire's run, or finds it started. A string: why the service refuses it, now and always. */
  start(fireMs: number, backfillId: string | undefined): Promise<ScheduledRun | string>;
  outcome(run: ScheduledRun): Promise<RunOutcome>;
  cancel(run: ScheduledRun): Promise<void>;
  terminate(run: ScheduledRun): Promise<void>;
}

export interface RunStarterDeps {
  readonly frontend: FrontendClient;
  readonly domain: string;
  readonly input: ScheduleInput;
}

const IDENTITY = 'cadence-scheduler';
// Errors that do not pass by themselves: the request or the domain must change first.
const REFUSALS: ReadonlySet<string> = new Set(['BadRequest', 'LimitExceeded', 'EntityNotExists', 'AccessDenied']);
const GONE: ReadonlySet<string> = new Set([
  'EntityNotExists',
  'WorkflowExecutionAlreadyCompleted',
  'CancellationAlreadyRequested',
]);

const { WORKFLOW_EXECUTION_CLOSE_STATUS_COMPLETED: COMPLETED } = WorkflowExecutionCloseStatus;
const FAILURES: ReadonlySet<WorkflowExecutionCloseStatus> = new Set([
  WorkflowExecutionCloseStatus.WORKFLOW_EXECUTION_CLOSE_STATUS_FAILED,
  WorkflowExecutionCloseStatus.WORKFLOW_EXECUTION_CLOSE_STATUS_TIMED_OUT,
]);

export function createRunStarter({ frontend, domain, input }: RunStarterDeps): RunStarter {
  const { scheduleId, definition, state } = input;
  const action = StartWorkflowAction.decode(Buffer.from(definition.action.message, 'base64'));
  return {
    async start(fireMs, backfillId) {
      const time = rfc3339(fireMs);
      const prefix = action.workflowIdPrefix || scheduleId;
      const workflowId = backfillId === undefined ? `${prefix}-${time}` : `${prefix}-${time}-${backfillId}`;
      const request = StartWorkflowExecutionRequest.fromPartial({
        domain,
        workflowId,
        workflowType: action.workflowType,
        taskList: action.taskList,
        input: action.input,
        executionStartToCloseTimeout: action.executionStartToCloseTimeout,
        taskStartToCloseTimeout: action.taskStartToCloseTimeout,
        retryPolicy: action.retryPolicy,
        identity: IDENTITY,
        requestId: requestIdOf([scheduleId, state.createdMs, workflowId]),
        workflowIdReusePolicy: WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
        memo: Memo.fromPartial({ fields: action.memo?.fields ?? {} }),
        searchAttributes: SearchAttributes.fromPartial({
          indexedFields: { ...action.searchAttributes?.indexedFields, ...marks(scheduleId, time, backfillId) },
        }),
      });
      try {
        const { runId } = await frontend.workflow.startWorkflowExecution(request);
        return { workflowId, runId, dueMs: fireMs };
      } catch (error) {
        // The start of an earlier attempt, perhaps of the other region: the id belongs to this fire.
        if (error instanceof WorkflowExecutionAlreadyStartedError)
          return { workflowId, runId: error.runId, dueMs: fireMs };
        if (error instanceof ServiceError && REFUSALS.has(error.kind)) return error.message;
        throw error;
      }
    },

    async outcome({ workflowId }) {
      const workflowExecution = { workflowId, runId: '' };
      const request = DescribeWorkflowExecutionRequest.fromPartial({ domain, workflowExecution });
      try {
        const { workflowExecutionInfo: info } = await frontend.workflow.describeWorkflowExecution(request);
        if (info?.closeTime === undefined) return 'open';
        if (info.closeStatus === COMPLETED) return 'succeeded';
        return FAILURES.has(info.closeStatus) ? 'failed' : 'ended';
      } catch (error) {
        if (error instanceof EntityNotExistsError) return 'ended';
        throw error;
      }
    },

    cancel: ({ workflowId, runId, dueMs }) =>
      unlessGone(
        frontend.workflow.requestCancelWorkflowExecution(
          RequestCancelWorkflowExecutionRequest.fromPartial({
            domain,
            workflowExecution: { workflowId },
            identity: IDENTITY,
            cause: 'the next run of its schedule is due',
            requestId: requestIdOf([scheduleId, 'cancel', dueMs]),
            firstExecutionRunId: runId,
          }),
        ),
      ),

    terminate: ({ workflowId, runId }) =>
      unlessGone(
        frontend.workflow.terminateWorkflowExecution(
          TerminateWorkflowExecutionRequest.fromPartial({
            domain,
            workflowExecution: { workflowId },
            identity: IDENTITY,
            reason: 'the next run of its schedule is due',
            firstExecutionRunId: runId,
          }),
        ),
      ),
  };
}

async function unlessGone(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof ServiceError) || !GONE.has(error.kind)) throw error;
  }
}

/** Whole seconds, as cron fires: `2026-01-31T06:00:00Z`. */
const rfc3339 = (timeMs: number): string => new Date(timeMs).toISOString().replace('.000Z', 'Z');

const json = (value: string): Payload => ({ data: Buffer.from(JSON.stringify(value), 'utf8') });

function marks(scheduleId: string, time: string, backfillId: string | undefined): Record<string, Payload> {
  return {
    [SCHEDULE_ATTRIBUTES.id]: json(scheduleId),
    [SCHEDULE_ATTRIBUTES.time]: json(time),
    ...(backfillId === undefined ? {} : { [SCHEDULE_ATTRIBUTES.backfill]: json(backfillId) }),
  };
}
