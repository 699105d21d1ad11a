// A worker that hangs up after history started a decision for it, and before it has it. Matching is a double here that hands the decision over at
// that very moment.
import { DecisionTaskFailedCause, PollForDecisionTaskRequest, PollForDecisionTaskResponse } from '@antiphon/proto';
import { afterEach, expect, test } from 'vitest';
import { encodeQueryTaskToken, encodeTaskToken, type MatchingClient } from '#rpc';
import { type Harness, startHarness } from './harness.ts';

const RUN = { domainId: 'd', workflowId: 'w', runId: 'r' };
const DECISION = { taskToken: encodeTaskToken({ ...RUN, scheduleId: 5, scheduleAttempt: 2 }) };

let harness: Harness | undefined;
afterEach(async () => {
  await harness?.stop();
  harness = undefined;
});

/** Polls, hangs up or not, and says what history was asked to fail. */
async function failedAfter(task: Partial<PollForDecisionTaskResponse>, hangsUp: boolean): Promise<readonly unknown[]> {
  const caller = new AbortController();
  let answered: () => void = () => {};
  const isAnswered = new Promise<void>((resolve) => {
    answered = resolve;
  });
  const matching: Pick<MatchingClient, 'pollForDecisionTask'> = {
    async pollForDecisionTask(_poll, { signal }) {
      if (hangsUp) {
        const isGone = new Promise((resolve) => signal?.addEventListener('abort', resolve, { once: true }));
        caller.abort();
        await isGone;
      }
      setImmediate(() => setImmediate(answered));
      return { response: PollForDecisionTaskResponse.fromPartial(task), historyBlobs: [] };
    },
  };
  harness = await startHarness({ deps: { matching: matching as MatchingClient } });
  harness.answers = { respondDecisionTaskFailed: async () => {} };
  const request = PollForDecisionTaskRequest.fromPartial({
    domain: 'shop',
    taskList: { name: 'list' },
    identity: 'worker-1',
    binaryChecksum: 'b1',
  });
  const polled = harness.client.worker.pollForDecisionTask(request, { signal: caller.signal, timeoutMs: 10_000 });
  if (hangsUp) await expect(polled).rejects.toMatchObject({ kind: 'Cancelled' });
  else await polled;
  await isAnswered;
  return harness.calls.filter(({ method }) => method === 'respondDecisionTaskFailed').map(({ args }) => args);
}

test('the decision fails at once, so that another worker has it', async () => {
  expect(await failedAfter(DECISION, true)).toMatchObject([
    [
      { ...RUN, scheduleId: 5, attempt: 2 },
      {
        cause: DecisionTaskFailedCause.DECISION_TASK_FAILED_CAUSE_RESET_STICKY_TASK_LIST,
        identity: 'worker-1',
        binaryChecksum: 'b1',
      },
    ],
  ]);
});

test('a worker that stays keeps its decision', async () => {
  expect(await failedAfter(DECISION, false)).toEqual([]);
});

test('an empty answer and a query leave history alone', async () => {
  expect(await failedAfter({}, true)).toEqual([]);
  await harness?.stop();
  const taskToken = encodeQueryTaskToken({ ...RUN, taskList: 'list', taskId: 'q' });
  expect(await failedAfter({ taskToken, query: { queryType: 'state', queryArgs: undefined } }, true)).toEqual([]);
});
