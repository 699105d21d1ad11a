// Completes activities from outside their function: by the task token that the activity handed on, or by its ids.
import { WorkerAPIService } from '@antiphon/proto';
import { CancelledFailure, encodeResult, encodeValues } from '../common/index.ts';
import { failureMessageOf, payloadOf } from '../transport/index.ts';
import type { HandleContext } from './workflow-handle.ts';

export interface ActivityById {
  readonly workflowId: string;
  readonly runId?: string;
  readonly activityId: string;
}

/** The task token of the activity's context, or its ids. */
export type ActivityRef = Uint8Array | ActivityById;

export interface ActivityClient {
  complete(activity: ActivityRef, result?: unknown): Promise<void>;
  /** A CancelledFailure reports the activity as canceled. */
  fail(activity: ActivityRef, error: unknown): Promise<void>;
  /** True when the workflow wants the activity to stop. */
  heartbeat(activity: ActivityRef, ...details: readonly unknown[]): Promise<boolean>;
}

export function createActivityClient({ calls, domain, identity }: HandleContext): ActivityClient {
  const byId = ({ workflowId, runId = '', activityId }: ActivityById) => ({
    domain,
    workflowExecution: { workflowId, runId },
    activityId,
    identity,
  });
  const byToken = (taskToken: Uint8Array) => ({ taskToken, identity });
  const isToken = (activity: ActivityRef): activity is Uint8Array => activity instanceof Uint8Array;
  return {
    complete: async (activity, value) => {
      const result = payloadOf(encodeResult(value));
      if (isToken(activity)) {
        await calls.call(WorkerAPIService.respondActivityTaskCompleted, { ...byToken(activity), result });
      } else {
        await calls.call(WorkerAPIService.respondActivityTaskCompletedById, { ...byId(activity), result });
      }
    },
    fail: async (activity, error) => {
      if (error instanceof CancelledFailure) {
        const details = payloadOf(encodeValues(error.details));
        if (isToken(activity)) {
          await calls.call(WorkerAPIService.respondActivityTaskCanceled, { ...byToken(activity), details });
        } else {
          await calls.call(WorkerAPIService.respondActivityTaskCanceledById, { ...byId(activity), details });
        }
        return;
      }
      const failure = failureMessageOf(error);
      if (isToken(activity)) {
        await calls.call(WorkerAPIService.respondActivityTaskFailed, { ...byToken(activity), failure });
      } else {
        await calls.call(WorkerAPIService.respondActivityTaskFailedById, { ...byId(activity), failure });
      }
    },
    heartbeat: async (activity, ...values) => {
      const details = payloadOf(encodeValues(values));
      const response = isToken(activity)
        ? await calls.call(WorkerAPIService.recordActivityTaskHeartbeat, { ...byToken(activity), details })
        : await calls.call(WorkerAPIService.recordActivityTaskHeartbeatById, { ...byId(activity), details });
      return response.cancelRequested;
    },
  };
}
