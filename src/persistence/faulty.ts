// A store that fails on purpose, for simulation and contract tests. Every call asks the plan what shall happen to it:
// nothing, a delay, a failure before it is applied (Unavailable), or a failure after (Timeout: the outcome is unknown
// to the caller and in truth applied). A write that is delayed and whose owner has died meanwhile still lands: that
// is what fences are for.
import { StoreError } from '#base';
import { type Scheduler, sleep } from '#env';
import type { Store } from './ports.ts';

export interface StoreCall {
  readonly port: Exclude<keyof Store, 'close'>;
  readonly method: string;
  readonly isWrite: boolean;
  readonly args: readonly unknown[];
}

export interface Fault {
  /** Waits before anything else. */
  readonly delayMs?: number;
  /**
   * 'before': not applied, Unavailable. 'after': applied, reported as Timeout. 'never': not applied, reported as
   * Timeout.
   */
  readonly fail?: 'before' | 'after' | 'never';
  /** Waits between applying and answering. */
  readonly answerDelayMs?: number;
}

export interface FaultPlan {
  /** Called once a call; undefined: no fault. */
  decide(call: StoreCall): Fault | undefined;
  readonly scheduler: Scheduler;
}

const READS = /^(load(?!ShardMap)|read|list|find|get$|nextTimerMs|notificationVersion|lastOffset)/;

type Method = (...args: unknown[]) => Promise<unknown>;

async function callWithFault(plan: FaultPlan, call: StoreCall, run: () => Promise<unknown>): Promise<unknown> {
  const fault = plan.decide(call);
  if (fault === undefined) return run();
  const what = `${call.port}.${call.method}`;
  if (fault.delayMs !== undefined) await sleep(plan.scheduler, fault.delayMs);
  if (fault.fail === 'before') throw new StoreError('Unavailable', `${what}: injected failure before it was applied`);
  if (fault.fail === 'never') throw new StoreError('Timeout', `${what}: injected timeout, outcome unknown`);
  const result = await run();
  if (fault.answerDelayMs !== undefined) await sleep(plan.scheduler, fault.answerDelayMs);
  if (fault.fail === 'after') throw new StoreError('Timeout', `${what}: injected timeout, outcome unknown`);
  return result;
}

function faultyPort<P extends object>(port: StoreCall['port'], target: P, plan: FaultPlan): P {
  const wrapped: Record<string, Method> = {};
  for (const [method, original] of Object.entries(target)) {
    // Every member of a store port is an async method.
    const run = original as Method;
    const isWrite = !READS.test(method);
    wrapped[method] = (...args) => callWithFault(plan, { port, method, isWrite, args }, () => run.apply(target, args));
  }
  return wrapped as P;
}

/** `store` with the plan's faults; `close` is untouched. */
export function withFaults<S extends Store>(store: S, plan: FaultPlan): S {
  return {
    ...store,
    shards: faultyPort('shards', store.shards, plan),
    history: faultyPort('history', store.history, plan),
    taskLists: faultyPort('taskLists', store.taskLists, plan),
    domains: faultyPort('domains', store.domains, plan),
    log: faultyPort('log', store.log, plan),
    keyValues: faultyPort('keyValues', store.keyValues, plan),
    audit: faultyPort('audit', store.audit, plan),
  };
}
