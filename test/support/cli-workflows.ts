// Workflows that the commands of the suite act on.
import {
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  executeChild,
  getExternalWorkflow,
  patched,
  proxyActivities,
  setHandler,
  sideEffect,
  sleep,
  upsertSearchAttributes,
  workflowInfo,
} from '@antiphon/sdk/workflow';

interface Activities {
  manual(): Promise<unknown>;
}
const { manual } = proxyActivities<Activities>({ startToCloseTimeout: '1m' });

/** Adds what signals bring until one says stop. */
export async function counter(start = 0): Promise<number> {
  let total = start;
  let isStopped = false;
  setHandler(defineSignal<[number]>('add'), (value) => {
    total += value;
  });
  setHandler(defineSignal('stop'), () => {
    isStopped = true;
  });
  setHandler(defineQuery<number>('sum'), () => total);
  await condition(() => isStopped);
  return total;
}

/** Ends at once. */
export async function echo(value: unknown): Promise<unknown> {
  return value;
}

/** Ends with what an operator says of its activity. */
export async function byHand(): Promise<unknown> {
  return await manual();
}

/** One run hands over to the next, which waits for a signal. */
export async function relay(lap = 0): Promise<unknown> {
  if (lap === 0) return await continueAsNew<typeof relay>(1);
  return await counter();
}

/** Leaves an event of nearly every kind in its history. */
export async function everything(): Promise<string> {
  const { workflowId } = workflowInfo();
  patched('a-change');
  sideEffect(() => 42);
  upsertSearchAttributes({ CustomKeywordField: 'everything' });
  await executeChild(echo, {
    workflowId: `${workflowId}-child`,
    memo: { why: 'test' },
    args: [{ nested: [1, 'two'] }],
  });
  await executeChild(fails, { workflowId: `${workflowId}-failing` }).catch(() => undefined);
  await getExternalWorkflow('nobody-here')
    .signal('any', 1)
    .catch(() => undefined);
  await getExternalWorkflow('nobody-here')
    .cancel()
    .catch(() => undefined);
  const scope = new CancellationScope({ cancellable: true });
  const waiting = scope.run(() => Promise.race([sleep('1h'), manual()])).catch(() => undefined);
  await sleep('1s');
  scope.cancel();
  await waiting;
  return 'done';
}

export async function fails(): Promise<never> {
  throw ApplicationFailure.nonRetryable('on purpose', 'Test', { code: 7 });
}
