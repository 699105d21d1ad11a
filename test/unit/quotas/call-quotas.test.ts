import { describe, expect, test } from 'vitest';
import { ServiceBusyError } from '#base';
import {
  BYPASS_CALLER_TYPES,
  CALLER_RPS,
  createDynamicConfig,
  QUOTA_KEYS,
  REFUSAL_DELAY,
  type StaticDefault,
  staticDefault,
  VISIBILITY_LIST_QPS,
  WORKER_POLL_DELAY,
  WORKFLOW_ID_EXTERNAL_RPS,
} from '#dynamicconfig';
import { createSimulatedEnv } from '#env';
import { type CallClass, type Caller, createCallQuotas, createWorkflowIdQuotas } from '#quotas';

const CALLER: Caller = {
  callerName: 'app',
  callerType: 'sdk',
  isSystem: false,
  signal: new AbortController().signal,
};

function limits(...defaults: readonly StaticDefault[]) {
  const env = createSimulatedEnv({ seed: 1 });
  const atOnce = staticDefault(REFUSAL_DELAY, 0);
  const quotas = createCallQuotas(env, createDynamicConfig({ env }, { defaults: [atOnce, ...defaults] }));
  const take = (domain: string, callClass: CallClass, caller: Partial<Caller> = {}) =>
    quotas.take(domain, callClass, { ...CALLER, ...caller });
  return { env, quotas, take };
}

function taken(take: () => unknown, times: number, reason?: string): number {
  let count = 0;
  for (let i = 0; i < times; i++) {
    try {
      take();
      count++;
    } catch (error) {
      expect(error).toMatchObject({
        kind: 'ServiceBusy',
        message: 'Too many outstanding requests to the cadence service',
        ...(reason && { reason }),
      });
    }
  }
  return count;
}

describe('call quotas', () => {
  test('let a second of calls through, then as many as time brings', async () => {
    const { env, take } = limits(staticDefault(QUOTA_KEYS.user.domain, 10));
    const call = () => take('shop', 'user');
    expect(taken(call, 15, 'domain-rate-limit')).toBe(10);
    await env.advance(500);
    expect(taken(call, 15)).toBe(5);
    await env.advance(60_000);
    expect(taken(call, 15)).toBe(10);
  });

  test('keep domains and classes apart', () => {
    const { take } = limits(
      staticDefault(QUOTA_KEYS.user.domain, 3),
      staticDefault(QUOTA_KEYS.worker.domain, 4),
      staticDefault(QUOTA_KEYS.visibility.domain, 5),
      staticDefault(QUOTA_KEYS.async.domain, 6),
    );
    for (const domain of ['shop', 'other']) {
      expect(taken(() => take(domain, 'user'), 9)).toBe(3);
      expect(taken(() => take(domain, 'worker'), 3)).toBe(3);
      expect(taken(() => take(domain, 'poll'), 9)).toBe(1);
      expect(taken(() => take(domain, 'list'), 2)).toBe(2);
      expect(taken(() => take(domain, 'visibility'), 9)).toBe(3);
      expect(taken(() => take(domain, 'async'), 9)).toBe(6);
    }
    expect(taken(() => take('shop', 'none'), 50)).toBe(50);
  });

  test('bound the host whatever the domain, and a domain beyond its own takes nothing from the host', () => {
    const { take } = limits(staticDefault(QUOTA_KEYS.user.host, 7), staticDefault(QUOTA_KEYS.user.domain, 3));
    expect(taken(() => take('noisy', 'user'), 100, 'domain-rate-limit')).toBe(3);
    expect(taken(() => take('shop', 'user'), 3)).toBe(3);
    expect(taken(() => take('other', 'user'), 3, 'host-rate-limit')).toBe(1);
  });

  test('give a host the whole of a global quota while it is the only one', () => {
    const { take } = limits(staticDefault(QUOTA_KEYS.user.globalDomain, 2));
    expect(taken(() => take('shop', 'user'), 9)).toBe(2);
  });

  test('let a poll wait for its turn up to the configured delay, and others not', async () => {
    const { env, take } = limits(staticDefault(QUOTA_KEYS.worker.domain, 2), staticDefault(WORKER_POLL_DELAY, 1000));
    expect(take('shop', 'poll')).toBeUndefined();
    expect(take('shop', 'poll')).toBeUndefined();
    const waits = [take('shop', 'poll'), take('shop', 'poll')];
    expect(() => take('shop', 'poll')).toThrow('Too many outstanding requests');
    expect(() => take('shop', 'worker')).toThrow('Too many outstanding requests');
    const served: number[] = [];
    for (const [index, wait] of waits.entries()) void (wait as Promise<void>).then(() => served.push(index));
    await env.advance(500);
    expect(served).toEqual([0]);
    await env.advance(500);
    expect(served).toEqual([0, 1]);
  });

  test('limit lists beside all calls of visibility', () => {
    const { take } = limits(staticDefault(VISIBILITY_LIST_QPS, 2));
    expect(taken(() => take('shop', 'list'), 5, 'list-rate-limit')).toBe(2);
    expect(taken(() => take('shop', 'visibility'), 5)).toBe(5);
  });

  test('limit a caller over all domains, by who is authenticated before what he says', () => {
    const { take, quotas } = limits(staticDefault(CALLER_RPS, 2));
    expect(taken(() => take('shop', 'user'), 1)).toBe(1);
    expect(taken(() => take('other', 'user'), 5, 'caller-rate-limit')).toBe(1);
    expect(taken(() => take('shop', 'user', { callerName: 'another' }), 5)).toBe(2);
    expect(taken(() => quotas.take('shop', 'user', CALLER, { name: 'alice' }), 5)).toBe(2);
  });

  test('refuse at once up to twice the quota, and the later the further beyond', async () => {
    const { env, take } = limits(staticDefault(QUOTA_KEYS.user.domain, 10), staticDefault(REFUSAL_DELAY, 1000));
    expect(taken(() => take('shop', 'user'), 29)).toBe(10);
    const late = Array.from({ length: 250 }, () =>
      Promise.resolve(take('shop', 'user')).catch(() => env.clock.nowMs()),
    );
    const begunMs = env.clock.nowMs();
    await env.advance(2000);
    const delays = (await Promise.all(late)).map((atMs) => (atMs as number) - begunMs);
    expect(delays[0]).toBe(100);
    expect(delays.at(-1)).toBe(1000);
    expect(delays).toEqual([...delays].sort((a, b) => a - b));
    expect(take('shop', 'user')).toBeUndefined();
  });

  test('refuse at once again whoever has hundreds of calls waiting for their refusals', () => {
    const { take } = limits(staticDefault(QUOTA_KEYS.user.domain, 10), staticDefault(REFUSAL_DELAY, 1000));
    let held = 0;
    let atOnce = 0;
    for (let call = 0; call < 1000; call++) {
      try {
        const turn = take('shop', 'user');
        if (turn === undefined) continue;
        held++;
        turn.catch(() => undefined);
      } catch (error) {
        expect(error).toBeInstanceOf(ServiceBusyError);
        atOnce++;
      }
    }
    expect([held, atOnce]).toEqual([256, 734]);
  });

  test('never refuse the service itself, nor a caller type on the list', () => {
    const { take } = limits(staticDefault(QUOTA_KEYS.user.domain, 0), staticDefault(BYPASS_CALLER_TYPES, ['cli']));
    expect(taken(() => take('shop', 'user', { isSystem: true }), 5)).toBe(5);
    expect(taken(() => take('shop', 'user', { callerType: 'cli' }), 5)).toBe(5);
    expect(taken(() => take('shop', 'user'), 5)).toBe(0);
  });
});

describe('quotas of a workflow id', () => {
  test('hold for each id of a domain on its own', () => {
    const env = createSimulatedEnv({ seed: 1 });
    const config = createDynamicConfig({ env }, { defaults: [staticDefault(WORKFLOW_ID_EXTERNAL_RPS, 1)] });
    const quotas = createWorkflowIdQuotas(env, config);
    expect(quotas.areOff).toBe(false);
    quotas.takeExternal('shop', 'order-1');
    expect(() => quotas.takeExternal('shop', 'order-1')).toThrow(
      expect.objectContaining({
        kind: 'ServiceBusy',
        message: 'Too many requests for the workflow ID',
        reason: 'external-workflow-id-rate-limit',
      }),
    );
    quotas.takeExternal('shop', 'order-2');
    quotas.takeExternal('other', 'order-1');
    quotas.takeInternal('shop', 'order-1');
  });

  test('are off where no key is set', () => {
    const env = createSimulatedEnv({ seed: 1 });
    expect(createWorkflowIdQuotas(env, createDynamicConfig({ env })).areOff).toBe(true);
  });
});
