// Clients and workers of the cluster tests: workflows of two decisions around an activity, started, driven and watched through whatever hosts
// there are. Like a client library it repeats what it may repeat, with the same request id, and counts what it had to.
import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import {
  type Decision,
  GetWorkflowExecutionHistoryRequest,
  type HistoryEvent,
  PollForActivityTaskRequest,
  PollForDecisionTaskRequest,
  RespondActivityTaskCompletedRequest,
  RespondDecisionTaskCompletedRequest,
  StartWorkflowExecutionRequest,
} from '@antiphon/proto';
import { ServiceError } from '#base';
import type { RemoteFrontendClient } from '#rpc';

const RETRYABLE: ReadonlySet<string> = new Set(['Unavailable', 'DeadlineExceeded', 'ServiceBusy', 'Cancelled']);
const seconds = (value: number) => ({ seconds: BigInt(value), nanos: 0 });

export interface Traffic {
  /** Starts a workflow; resolves with its run id. */
  start(workflowId: string): Promise<string>;
  /** The whole history, once it is closed. */
  closed(workflowId: string): Promise<readonly HistoryEvent[]>;
  /** Calls that were repeated because of an answer. */
  readonly repeated: Map<string, number>;
  stop(): Promise<void>;
}

export function createTraffic(
  clients: () => readonly RemoteFrontendClient[],
  domain: string,
  pollers: number,
): Traffic {
  const repeated = new Map<string, number>();
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal); // Every poll waits on it.
  let turn = 0;
  const client = (): RemoteFrontendClient => {
    const all = clients();
    return all[turn++ % all.length] as RemoteFrontendClient;
  };

  const retried = async <T>(call: (client: RemoteFrontendClient) => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await call(client());
      } catch (error) {
        if (!(error instanceof ServiceError) || !RETRYABLE.has(error.kind) || stopping.signal.aborted) throw error;
        repeated.set(error.message, (repeated.get(error.message) ?? 0) + 1);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  };

  const decisionsFor = (events: readonly HistoryEvent[], workflowId: string): Decision[] => {
    const isDone = events.some(({ attributes }) => attributes?.$case === 'activityTaskCompletedEventAttributes');
    if (isDone) {
      return [{ attributes: { $case: 'completeWorkflowExecutionDecisionAttributes', value: { result: undefined } } }];
    }
    return [
      {
        attributes: {
          $case: 'scheduleActivityTaskDecisionAttributes',
          value: {
            activityId: `a-${workflowId}`,
            activityType: { name: 'Work' },
            domain: '',
            taskList: undefined,
            input: undefined,
            scheduleToCloseTimeout: seconds(60),
            scheduleToStartTimeout: seconds(60),
            startToCloseTimeout: seconds(5),
            heartbeatTimeout: undefined,
            retryPolicy: {
              initialInterval: seconds(1),
              backoffCoefficient: 1,
              maximumInterval: seconds(1),
              maximumAttempts: 0,
              expirationInterval: seconds(60),
              nonRetryableErrorReasons: [],
            },
            header: undefined,
            requestLocalDispatch: false,
          },
        },
      },
    ];
  };

  /** An answer that is late or lost is not the worker's problem: the task comes again. */
  const ignoring = async (call: Promise<unknown>): Promise<void> => {
    try {
      await call;
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
    }
  };

  const pollDecisions = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await ignoring(
        (async () => {
          const own = client();
          const task = await own.worker.pollForDecisionTask(
            PollForDecisionTaskRequest.fromPartial({ domain, taskList: { name: 'list' }, identity: 'tests' }),
            { timeoutMs: 5_000, signal: stopping.signal },
          );
          if (task.taskToken.length === 0) return;
          const decisions = decisionsFor(task.history?.events ?? [], task.workflowExecution?.workflowId ?? '');
          await own.worker.respondDecisionTaskCompleted(
            RespondDecisionTaskCompletedRequest.fromPartial({ taskToken: task.taskToken, decisions }),
          );
        })(),
      );
    }
  };

  const pollActivities = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await ignoring(
        (async () => {
          const own = client();
          const task = await own.worker.pollForActivityTask(
            PollForActivityTaskRequest.fromPartial({ domain, taskList: { name: 'list' }, identity: 'tests' }),
            { timeoutMs: 5_000, signal: stopping.signal },
          );
          if (task.taskToken.length === 0) return;
          await own.worker.respondActivityTaskCompleted(
            RespondActivityTaskCompletedRequest.fromPartial({ taskToken: task.taskToken }),
          );
        })(),
      );
    }
  };

  const workers = Array.from({ length: pollers }, () => [pollDecisions(), pollActivities()]).flat();

  return {
    repeated,
    async start(workflowId) {
      const requestId = randomUUID();
      const request = {
        ...StartWorkflowExecutionRequest.fromPartial({
          domain,
          workflowId,
          requestId,
          workflowType: { name: 'Order' },
          taskList: { name: 'list' },
        }),
        executionStartToCloseTimeout: seconds(120),
        taskStartToCloseTimeout: seconds(2),
      };
      return (await retried((own) => own.workflow.startWorkflowExecution(request))).runId;
    },
    async closed(workflowId) {
      const request = GetWorkflowExecutionHistoryRequest.fromPartial({
        domain,
        workflowExecution: { workflowId },
        waitForNewEvent: true,
        historyEventFilterType: 2,
      });
      for (;;) {
        const page = await retried((own) => own.workflow.getWorkflowExecutionHistory(request, { timeoutMs: 10_000 }));
        if ((page.history?.events.length ?? 0) > 0) break;
      }
      const whole = { ...request, waitForNewEvent: false, historyEventFilterType: 1 as const };
      return (await retried((own) => own.workflow.getWorkflowExecutionHistory(whole))).history?.events ?? [];
    },
    async stop() {
      stopping.abort();
      await Promise.all(workers);
    },
  };
}
