// Workflows for the tests of workers against a server.
import {
  CancellationScope,
  condition,
  defineQuery,
  defineSignal,
  isCancellation,
  proxyActivities,
  setHandler,
  sleep,
  uuid4,
} from '@antiphon/sdk/workflow';

interface Activities {
  later(): Promise<string>;
  resume(): Promise<unknown>;
  endless(): Promise<string>;
  fatal(): Promise<void>;
  echo(value: unknown): Promise<unknown>;
}
const options = { startToCloseTimeout: '30s', heartbeatTimeout: '1s', retry: { maximumAttempts: 3 } } as const;
const acts = proxyActivities<Activities>(options);
const { endless } = proxyActivities<Activities>({ ...options, cancellation: 'wait' });

export const add = defineSignal<[number]>('add');
export const stop = defineSignal('stop');
export const sum = defineQuery<number>('sum');

export async function adder(): Promise<number> {
  let total = 0;
  let isStopped = false;
  setHandler(add, (value) => {
    total += value;
  });
  setHandler(stop, () => {
    isStopped = true;
  });
  setHandler(sum, () => total);
  await condition(() => isStopped);
  return total;
}

export async function callLater(): Promise<string> {
  return await acts.later();
}

export async function callResume(): Promise<unknown> {
  return await acts.resume();
}

export async function callFatal(): Promise<void> {
  await acts.fatal();
}

export async function cancelActivity(): Promise<string> {
  const scope = new CancellationScope({ cancellable: true });
  const result = scope.run(() => endless());
  await sleep('1s');
  scope.cancel();
  return await result.catch((error: unknown) => `cancelled ${isCancellation(error)}`);
}

/** Draws before and after a wait; a reset to the wait must not change what was drawn before. */
export async function draws(): Promise<readonly string[]> {
  const drawn = [uuid4()];
  let isStopped = false;
  setHandler(stop, () => {
    isStopped = true;
  });
  setHandler(defineQuery<readonly string[]>('drawn'), () => drawn);
  await acts.echo(drawn[0]);
  await condition(() => isStopped);
  drawn.push(uuid4());
  return drawn;
}

export async function broken(isBroken: boolean): Promise<string> {
  await sleep('1s');
  if (isBroken && (globalThis as { FIXED?: boolean }).FIXED !== true) throw new TypeError('a bug');
  return 'fine';
}
