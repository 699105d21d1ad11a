// A worker without an SDK: pollers that answer decisions with a fixed plan (n activities one after another, then complete) and activities with
// nothing. As in the SDKs' workers a poller polls again while what it got is answered. Whoever waits for a workflow's end registers its id in `waiting`.
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

const POLL_MS = 65_000;

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

  const decide = async (api: Api, task: PollForDecisionTaskResponse): Promise<void> => {
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
  const act = async (api: Api, task: PollForActivityTaskResponse): Promise<void> => {
    await call(
      api.worker,
      'respondActivityTaskCompleted',
      RespondActivityTaskCompletedRequest.fromPartial({ taskToken: task.taskToken, identity }),
    );
  };
  // A bench counts its errors and goes on; the caller prints the number.
  const failed = (): void => {
    if (!loop.stopped) loop.errors++;
  };
  const pollDecisions = async (api: Api): Promise<void> => {
    const task = await call<PollForDecisionTaskResponse>(api.worker, 'pollForDecisionTask', decisionRequest, POLL_MS);
    if (task.taskToken.length > 0) decide(api, task).catch(failed);
  };
  const pollActivities = async (api: Api): Promise<void> => {
    const task = await call<PollForActivityTaskResponse>(api.worker, 'pollForActivityTask', activityRequest, POLL_MS);
    if (task.taskToken.length > 0) act(api, task).catch(failed);
  };
  const run = async (poll: (api: Api) => Promise<void>, api: Api): Promise<void> => {
    while (!loop.stopped) {
      try {
        await poll(api);
      } catch {
        failed();
        await pause();
      }
    }
  };
  const api = (index: number): Api => apis[index % apis.length] as Api;
  const pollers = [
    ...Array.from({ length: options.decisionPollers }, (_, index) => run(pollDecisions, api(index))),
    ...Array.from({ length: options.activities === 0 ? 0 : options.activityPollers }, (_, index) =>
      run(pollActivities, api(index)),
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
