import { setTimeout as delay } from 'node:timers/promises';
import {
  DecisionTaskFailedCause,
  type HistoryEvent,
  PollForDecisionTaskResponse,
  QueryResultType,
  RespondDecisionTaskCompletedResponse,
} from '@antiphon/proto';
import { bundleWorkflows, connect, createWorker, type WorkerOptions, type WorkflowBundle } from '@antiphon/sdk/worker';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { RpcError } from '../../../sdk/transport/index.ts';
import { createHistory, type History, payload } from '../../support/sdk/history.ts';
import { decodePayload, inWords } from '../../support/sdk/play.ts';
import { createScriptedTransport, type Script } from '../../support/sdk/scripted-transport.ts';

let bundle: WorkflowBundle;
beforeAll(async () => {
  bundle = await bundleWorkflows({ workflowsPath: 'test/unit/sdk/fixtures/basics.workflows.ts' });
});

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
type Task = Partial<PollForDecisionTaskResponse>;

/** A worker whose service hands out the given tasks, then none. */
function stage(script: Script = {}, options: Partial<WorkerOptions> = {}) {
  const tasks: PollForDecisionTaskResponse[] = [];
  const waiting: ((task: PollForDecisionTaskResponse) => void)[] = [];
  const transport = createScriptedTransport({
    PollForDecisionTask: (_, { signal }) => {
      const task = tasks.shift();
      if (task) return task;
      return new Promise((resolve, reject) => {
        waiting.push(resolve);
        signal?.addEventListener('abort', () => reject(new RpcError('Cancelled', 'stopped', 1)), { once: true });
      });
    },
    RespondDecisionTaskCompleted: () => RespondDecisionTaskCompletedResponse.fromPartial({}),
    RespondDecisionTaskFailed: () => ({}),
    RespondQueryTaskCompleted: () => ({}),
    ResetStickyTaskList: () => ({}),
    ...script,
  });
  const connection = connect({ transport });
  const ready = createWorker({
    connection,
    domain: 'd',
    taskList: 'tl',
    workflowBundle: bundle,
    log: quiet,
    deadlockTimeout: '1s',
    ...options,
  });
  const until = async (method: string, count: number): Promise<void> => {
    for (let wait = 0; wait < 300 && transport.requestsTo(method).length < count; wait++) await delay(10);
    expect(transport.requestsTo(method).length).toBe(count);
  };
  return {
    transport,
    until,
    ready,
    push: (task: Task) => {
      const full: PollForDecisionTaskResponse = {
        ...PollForDecisionTaskResponse.fromPartial({}),
        taskToken: Buffer.from('token'),
        workflowExecution: { workflowId: 'wf', runId: 'run-1' },
        ...task,
      };
      const next = waiting.shift();
      if (next) next(full);
      else tasks.push(full);
    },
    /** The decisions of the nth answer, in words. */
    decisions: (index: number): string[] =>
      transport.requestsTo('RespondDecisionTaskCompleted')[index].decisions.map(inWords),
  };
}

function taskOf(history: History, from: number, previousStarted: number, startedEventId: number): Task {
  return {
    previousStartedEventId: BigInt(previousStarted),
    startedEventId: BigInt(startedEventId),
    nextEventId: BigInt(startedEventId + 1),
    history: { events: history.events.slice(from) },
  };
}

function decision(history: History): number {
  history.schedule();
  return history.start();
}

let current: ReturnType<typeof stage> | undefined;
const begin = async (...args: Parameters<typeof stage>) => {
  current = stage(...args);
  (await current.ready).start();
  return current;
};
beforeEach(() => {
  current = undefined;
});
afterEach(async () => {
  await (await current?.ready)?.shutdown();
});

describe('a decision task', () => {
  test('is answered with decisions, sticky binding, build and SDK', async () => {
    const service = await begin();
    const history = createHistory('order', [1]);
    service.push(taskOf(history, 0, 0, decision(history)));
    await service.until('RespondDecisionTaskCompleted', 1);
    expect(service.decisions(0)).toEqual(['activity 0 charge 1']);
    const [answer] = service.transport.requestsTo('RespondDecisionTaskCompleted');
    expect(answer.stickyAttributes.workerTaskList.name).toMatch(/.+:[0-9a-f-]{36}$/);
    expect(Number(answer.stickyAttributes.scheduleToStartTimeout.seconds)).toBe(5);
    expect(answer.returnNewDecisionTask).toBe(true);
    expect(answer.binaryChecksum).toBe(bundle.checksum);
    expect(JSON.parse(Buffer.from(answer.executionContext).toString())).toMatchObject({ sdk: 'antiphon-ts' });
    const kinds = service.transport.requestsTo('PollForDecisionTask').map(({ taskList }) => taskList.kind);
    expect(new Set(kinds)).toEqual(new Set([1, 2]));
  });

  test('of a kept run continues from its part of history, also when it comes with the answer', async () => {
    const history = createHistory('order', [1]);
    let inline: PollForDecisionTaskResponse | undefined;
    const service = await begin({
      RespondDecisionTaskCompleted: (request) => {
        const decisionTask = inline;
        inline = undefined;
        history.complete(request.decisions);
        return RespondDecisionTaskCompletedResponse.fromPartial(decisionTask ? { decisionTask } : {});
      },
    });
    const first = decision(history);
    service.push(taskOf(history, 0, 0, first));
    await service.until('RespondDecisionTaskCompleted', 1);
    history.completeActivity('0', 'paid');
    const second = decision(history);
    // What the next task brings depends on this answer, so it is made here by hand.
    const later: HistoryEvent[] = createLater(history.events.length);
    inline = PollForDecisionTaskResponse.fromPartial({
      taskToken: Buffer.from('inline'),
      workflowExecution: { workflowId: 'wf', runId: 'run-1' },
      previousStartedEventId: BigInt(second),
      startedEventId: later.at(-1)?.eventId ?? 0n,
      history: { events: later },
    });
    service.push(taskOf(history, first, first, second));
    await service.until('RespondDecisionTaskCompleted', 3);
    expect([service.decisions(1), service.decisions(2)]).toEqual([['timer 1 90s'], ['activity 2 ship "paid"']]);
    expect(service.transport.requestsTo('GetWorkflowExecutionHistory')).toEqual([]);
  });

  test('that does not continue the kept state is replayed from the whole history, page by page', async () => {
    const history = createHistory('order', [1]);
    const first = decision(history);
    const service = await begin({
      RespondDecisionTaskCompleted: (request) => {
        history.complete(request.decisions);
        return RespondDecisionTaskCompletedResponse.fromPartial({});
      },
      GetWorkflowExecutionHistory: ({ nextPageToken }) => {
        const page = nextPageToken.length === 0 ? 0 : Number(Buffer.from(nextPageToken).toString());
        const events = history.events.slice(page * 3, page * 3 + 3);
        const isLast = page * 3 + 3 >= history.events.length;
        const token = isLast ? Buffer.alloc(0) : Buffer.from(String(page + 1));
        return { history: { events }, rawHistory: [], nextPageToken: token, archived: false };
      },
    });
    service.push(taskOf(history, 0, 0, first));
    await service.until('RespondDecisionTaskCompleted', 1);
    history.completeActivity('0', 'paid');
    const lost = decision(history);
    history.failDecision();
    const second = decision(history);
    // History since an attempt that this worker never saw.
    service.push({ ...taskOf(history, lost, first, second), attempt: 0n });
    await service.until('RespondDecisionTaskCompleted', 2);
    expect(service.decisions(1)).toEqual(['timer 1 90s']);
    expect(service.transport.requestsTo('GetWorkflowExecutionHistory').length).toBe(Math.ceil(second / 3));
  });

  test('fails once, then stays silent and lets the attempts time out', async () => {
    const service = await begin();
    const history = createHistory('fails', ['bug']);
    const started = decision(history);
    service.push(taskOf(history, 0, 0, started));
    await service.until('RespondDecisionTaskFailed', 1);
    const [failed] = service.transport.requestsTo('RespondDecisionTaskFailed');
    expect(failed.cause).toBe(DecisionTaskFailedCause.DECISION_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE);
    expect(decodePayload(failed.details.data)).toContain('TypeError');
    service.push({ ...taskOf(history, 0, 0, started), attempt: 1n });
    const fine = createHistory('order', [2], 'run-2');
    const next = decision(fine);
    service.push({ ...taskOf(fine, 0, 0, next), workflowExecution: { workflowId: 'wf2', runId: 'run-2' } });
    await service.until('RespondDecisionTaskCompleted', 1);
    expect(service.transport.requestsTo('RespondDecisionTaskFailed').length).toBe(1);
  });

  test('fails when workflow code does not yield, and other runs go on', async () => {
    const service = await begin();
    const history = createHistory('fails', ['loop']);
    service.push(taskOf(history, 0, 0, decision(history)));
    await service.until('RespondDecisionTaskFailed', 1);
    const [failed] = service.transport.requestsTo('RespondDecisionTaskFailed');
    expect(decodePayload(failed.details.data)).toBe('workflow code did not yield within 1000 ms');
    const fine = createHistory('order', [2], 'run-2');
    service.push({ ...taskOf(fine, 0, 0, decision(fine)), workflowExecution: { workflowId: 'wf2', runId: 'run-2' } });
    await service.until('RespondDecisionTaskCompleted', 1);
  });

  test('fails alone when it is stopped among others that share the watchdog', async () => {
    const service = await begin();
    for (const [runId, type] of [
      ['run-1', 'order'],
      ['run-2', 'fails'],
      ['run-3', 'order'],
    ] as const) {
      const history = createHistory(type, ['loop'], runId);
      service.push({ ...taskOf(history, 0, 0, decision(history)), workflowExecution: { workflowId: runId, runId } });
    }
    await service.until('RespondDecisionTaskCompleted', 2);
    await service.until('RespondDecisionTaskFailed', 1);
  });

  test('fails when workflow code leaves a rejection unhandled', async () => {
    const service = await begin();
    // Vitest fails a run on any unhandled rejection; here one is expected.
    const others = process.listeners('unhandledRejection').slice(0, -1);
    for (const listener of others) process.off('unhandledRejection', listener);
    try {
      const fine = createHistory('order', [1], 'run-2');
      service.push({ ...taskOf(fine, 0, 0, decision(fine)), workflowExecution: { workflowId: 'wf2', runId: 'run-2' } });
      const history = createHistory('fails', ['floating']);
      service.push(taskOf(history, 0, 0, decision(history)));
      await service.until('RespondDecisionTaskFailed', 1);
      await service.until('RespondDecisionTaskCompleted', 1);
      const [failed] = service.transport.requestsTo('RespondDecisionTaskFailed');
      expect(decodePayload(failed.details.data)).toBe('unhandled rejection in workflow code: Error: lost');
    } finally {
      for (const listener of others) process.on('unhandledRejection', listener);
    }
  });

  test('that is not deterministic fails the workflow where the worker is told so', async () => {
    const history = createHistory('order', [1]);
    const first = decision(history);
    history.complete([]);
    history.signal('news');
    const second = decision(history);
    const service = await begin({}, { nonDeterminismPolicy: 'failWorkflow' });
    service.push(taskOf(history, 0, first, second));
    await service.until('RespondDecisionTaskCompleted', 1);
    expect(service.decisions(0)).toEqual(['fail NonDeterministicWorkflowPolicyFailWorkflow']);
  });

  test('of a repeated attempt, whose start is not in history, is answered', async () => {
    const service = await begin();
    const history = createHistory('order', [1]);
    service.push({
      ...taskOf(history, 0, 0, 3),
      attempt: 2n,
      nextEventId: 2n,
      startedTime: { seconds: 1_900_000_000n, nanos: 0 },
    });
    await service.until('RespondDecisionTaskCompleted', 1);
    expect(service.decisions(0)).toEqual(['activity 0 charge 1']);
  });

  test('with a gap in its history is refused', async () => {
    const service = await begin();
    const history = createHistory('order', [1]);
    const started = decision(history);
    const events = history.events.filter((event) => event.eventId !== 2n);
    service.push({ ...taskOf(history, 0, 0, started), history: { events } });
    await service.until('RespondDecisionTaskFailed', 1);
    const [failed] = service.transport.requestsTo('RespondDecisionTaskFailed');
    expect(decodePayload(failed.details.data)).toBe('missing history events: 1 is followed by 3');
  });

  test('evicts the run least recently used, and tells the service', async () => {
    const service = await begin({}, { maxCachedWorkflows: 1 });
    for (const runId of ['run-1', 'run-2']) {
      const history = createHistory('order', [1], runId);
      const started = decision(history);
      service.push({ ...taskOf(history, 0, 0, started), workflowExecution: { workflowId: `wf-${runId}`, runId } });
      await service.until('RespondDecisionTaskCompleted', runId === 'run-1' ? 1 : 2);
    }
    await service.until('ResetStickyTaskList', 1);
    const [reset] = service.transport.requestsTo('ResetStickyTaskList');
    expect(reset.workflowExecution).toEqual({ workflowId: 'wf-run-1', runId: 'run-1' });
  });
});

describe('a query', () => {
  const query = { queryType: 'same', queryArgs: payload(7) };

  /** A run that has its handlers: the timer fired in the batch of the second decision. */
  function answeringHistory(): { history: History; first: number; second: number } {
    const history = createHistory('lateHandler', []);
    const first = decision(history);
    history.complete([
      {
        attributes: {
          $case: 'startTimerDecisionAttributes',
          value: { timerId: '0', startToFireTimeout: { seconds: 1n, nanos: 0 } },
        },
      },
    ]);
    history.fire('0');
    return { history, first, second: decision(history) };
  }

  test('in a decision task is answered after the decision, with it', async () => {
    const service = await begin();
    const { history, first, second } = answeringHistory();
    const unknown = { queryType: 'nope', queryArgs: undefined };
    service.push({ ...taskOf(history, 0, first, second), queries: { a: query, b: unknown } });
    await service.until('RespondDecisionTaskCompleted', 1);
    const { queryResults } = service.transport.requestsTo('RespondDecisionTaskCompleted')[0];
    expect(queryResults.a.resultType).toBe(QueryResultType.QUERY_RESULT_TYPE_ANSWERED);
    expect(decodePayload(queryResults.a.answer.data)).toEqual([7]);
    expect(queryResults.b.resultType).toBe(QueryResultType.QUERY_RESULT_TYPE_FAILED);
    expect(queryResults.b.errorMessage).toContain('unknown queryType nope. KnownQueryTypes=[');
  });

  test('on the sticky list is answered from the kept state, which does not advance', async () => {
    const service = await begin();
    const { history, first, second } = answeringHistory();
    service.push(taskOf(history, 0, first, second));
    await service.until('RespondDecisionTaskCompleted', 1);
    service.push({ query, previousStartedEventId: BigInt(second) });
    await service.until('RespondQueryTaskCompleted', 1);
    const [{ result }] = service.transport.requestsTo('RespondQueryTaskCompleted');
    expect(decodePayload(result.answer.data)).toEqual([7]);
    expect(service.transport.requestsTo('GetWorkflowExecutionHistory')).toEqual([]);
  });

  test('with the whole history is answered by a replay that is not kept', async () => {
    const service = await begin();
    const { history, second } = answeringHistory();
    history.complete([]);
    service.push({
      query,
      previousStartedEventId: BigInt(second),
      nextEventId: BigInt(history.events.length + 1),
      history: { events: history.events },
    });
    await service.until('RespondQueryTaskCompleted', 1);
    const [{ result }] = service.transport.requestsTo('RespondQueryTaskCompleted');
    expect(result.resultType).toBe(QueryResultType.QUERY_RESULT_TYPE_ANSWERED);
  });

  test('on a run that does not replay fails with the reason', async () => {
    const service = await begin();
    const history = createHistory('order', [1]);
    const started = decision(history);
    history.complete([
      {
        attributes: {
          $case: 'startTimerDecisionAttributes',
          value: { timerId: '0', startToFireTimeout: { seconds: 1n, nanos: 0 } },
        },
      },
    ]);
    const previousStartedEventId = BigInt(started);
    service.push({ query, previousStartedEventId, nextEventId: 6n, history: { events: history.events } });
    await service.until('RespondQueryTaskCompleted', 1);
    const [{ result }] = service.transport.requestsTo('RespondQueryTaskCompleted');
    expect(result.errorMessage).toContain('non-deterministic workflow: at event 5 history has StartTimer{id 0}');
  });
});

/** The events after the second decision of an order: its timer started and fired, and the third decision began. */
function createLater(count: number): HistoryEvent[] {
  const scratch = createHistory('order', []);
  while (scratch.events.length < count) scratch.add('decisionTaskScheduledEventAttributes', {});
  scratch.complete([
    {
      attributes: {
        $case: 'startTimerDecisionAttributes',
        value: { timerId: '1', startToFireTimeout: { seconds: 90n, nanos: 0 } },
      },
    },
  ]);
  scratch.fire('1');
  decision(scratch);
  return scratch.events.slice(count);
}
