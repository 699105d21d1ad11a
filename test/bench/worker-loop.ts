// A worker without an SDK: pollers that answer decisions with a fixed plan (n activities one after another, then complete) and activities with
// nothing. Whoever waits for a workflow's end registers its id in `waiting`.
import {
  type Decision,
  type HistoryEvent,
  PollForActivityTaskRequest,
  type PollForActivityTaskResponse,
  PollForDecisionTaskRequest,
  type PollForDecisionTaskResponse,
  RespondActivityTaskCompletedRequest,
  RespondDecisionTaskCompletedRequest,
} from '@antiphon/proto';
import { type Api, call } from './api.ts';

export interface WorkerLoop {
  readonly waiting: Map<string, () => void>;
  errors: number;
  stop(): void;
  readonly done: Promise<unknown>;
}

const seconds = (value: number) => ({ seconds: BigInt(value), nanos: 0 });

const scheduleActivity = (index: number, taskList: string): Decision => ({
  attributes: {
    $case: 'scheduleActivityTaskDecisionAttributes',
    value: {
      activityId: String(index),
      activityType: { name: 'noop' },
      domain: '',
      taskList: { name: taskList, kind: 1, baseName: '' },
      scheduleToCloseTimeout: seconds(600),
      scheduleToStartTimeout: seconds(600),
      startToCloseTimeout: seconds(600),
      heartbeatTimeout: seconds(0),
      requestLocalDispatch: false,
    },
  },
});

const complete: Decision = { attributes: { $case: 'completeWorkflowExecutionDecisionAttributes', value: {} } };

const count = (events: readonly HistoryEvent[], kind: string): number =>
  events.filter((event) => event.attributes?.$case === kind).length;

export function startWorkerLoop(options: {
  apis: readonly Api[];
  domain: string;
  taskList: string;
  decisionPollers: number;
  activityPollers: number;
  activities: number;
}): WorkerLoop {
  const { apis, domain, taskList } = options;
  const loop = { waiting: new Map<string, () => void>(), errors: 0, stopped: false };
  const identity = `bench-${process.pid}`;
  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));
  const decisionRequest = PollForDecisionTaskRequest.fromPartial({
    domain,
    taskList: { name: taskList, kind: 1 },
    identity,
  });
  const activityRequest = PollForActivityTaskRequest.fromPartial({
    domain,
    taskList: { name: taskList, kind: 1 },
    identity,
  });

  const decide = async (api: Api): Promise<void> => {
    const task = await call<PollForDecisionTaskResponse>(api.worker, 'pollForDecisionTask', decisionRequest, 65_000);
    if (task.taskToken.length === 0) return;
    const events = task.history?.events ?? [];
    const finished = count(events, 'activityTaskCompletedEventAttributes');
    const isLast = finished >= options.activities;
    await call(
      api.worker,
      'respondDecisionTaskCompleted',
      RespondDecisionTaskCompletedRequest.fromPartial({
        taskToken: task.taskToken,
        decisions: [isLast ? complete : scheduleActivity(finished, taskList)],
        identity,
      }),
    );
    if (isLast) {
      const id = task.workflowExecution?.workflowId ?? '';
      loop.waiting.get(id)?.();
      loop.waiting.delete(id);
    }
  };
  const act = async (api: Api): Promise<void> => {
    const task = await call<PollForActivityTaskResponse>(api.worker, 'pollForActivityTask', activityRequest, 65_000);
    if (task.taskToken.length === 0) return;
    await call(
      api.worker,
      'respondActivityTaskCompleted',
      RespondActivityTaskCompletedRequest.fromPartial({ taskToken: task.taskToken, identity }),
    );
  };
  const run = async (step: (api: Api) => Promise<void>, api: Api): Promise<void> => {
    while (!loop.stopped) {
      try {
        await step(api);
      } catch {
        // A bench counts its errors and goes on; the caller prints the number.
        if (!loop.stopped) loop.errors++;
        await pause();
      }
    }
  };
  const api = (index: number): Api => apis[index % apis.length] as Api;
  const pollers = [
    ...Array.from({ length: options.decisionPollers }, (_, index) => run(decide, api(index))),
    ...Array.from({ length: options.activities === 0 ? 0 : options.activityPollers }, (_, index) =>
      run(act, api(index)),
    ),
  ];
  return {
    waiting: loop.waiting,
    get errors() {
      return loop.errors;
    },
    stop: () => {
      loop.stopped = true;
    },
    done: Promise.allSettled(pollers),
  };
}
