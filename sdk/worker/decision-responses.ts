// The three ways to answer a decision task: with decisions, with a query's result, or with a failure.
import {
  type Decision,
  DecisionTaskFailedCause,
  type PollForDecisionTaskResponse,
  type RespondDecisionTaskCompletedResponse,
  TaskListKind,
  WorkerAPIService,
  type WorkflowQueryResult,
} from '@antiphon/proto';
import { encodeValues } from '../common/index.ts';
import { durationMessage, payloadOf, SDK_VERSION, type ServiceCalls } from '../transport/index.ts';

export interface StickyBinding {
  readonly taskList: string;
  readonly scheduleToStartSeconds: number;
}

export interface DecisionResponsesOptions {
  readonly calls: ServiceCalls;
  readonly identity: string;
  readonly checksum: string;
  /** Undefined when runs are not kept between tasks. */
  readonly sticky: StickyBinding | undefined;
}

export interface DecisionResponses {
  decisions(
    task: PollForDecisionTaskResponse,
    decisions: Decision[],
    queryResults: Record<string, WorkflowQueryResult>,
  ): Promise<RespondDecisionTaskCompletedResponse>;
  query(task: PollForDecisionTaskResponse, result: WorkflowQueryResult): Promise<void>;
  failure(task: PollForDecisionTaskResponse, error: unknown): Promise<void>;
}

export function createDecisionResponses(options: DecisionResponsesOptions): DecisionResponses {
  const { calls, identity, checksum, sticky } = options;
  // Tells later versions of this SDK, replaying the history, which one made it.
  const sdk = { sdk: 'antiphon-ts', v: SDK_VERSION, flags: [], bundle: checksum };
  const executionContext = Buffer.from(JSON.stringify(sdk));
  const stickyAttributes = sticky && {
    workerTaskList: { name: sticky.taskList, kind: TaskListKind.TASK_LIST_KIND_STICKY, baseName: '' },
    scheduleToStartTimeout: durationMessage(sticky.scheduleToStartSeconds),
  };
  return {
    decisions: (task, decisions, queryResults) =>
      calls.call(WorkerAPIService.respondDecisionTaskCompleted, {
        taskToken: task.taskToken,
        decisions,
        executionContext,
        identity,
        stickyAttributes,
        returnNewDecisionTask: sticky !== undefined,
        forceCreateNewDecisionTask: false,
        binaryChecksum: checksum,
        queryResults,
      }),
    query: async ({ taskToken }, result) => {
      const workerVersionInfo = { impl: 'uber-go', featureVersion: '1.5.0' };
      await calls.call(WorkerAPIService.respondQueryTaskCompleted, { taskToken, result, workerVersionInfo });
    },
    failure: async (task, error) => {
      // Later attempts stay silent and time out, so that a broken workflow does not spin.
      if (task.attempt > 0n) return;
      const { message, stack } = error instanceof Error ? error : new Error(String(error));
      await calls.call(WorkerAPIService.respondDecisionTaskFailed, {
        taskToken: task.taskToken,
        cause: DecisionTaskFailedCause.DECISION_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE,
        details: payloadOf(encodeValues([message, stack ?? ''])),
        identity,
        binaryChecksum: checksum,
      });
    },
  };
}
