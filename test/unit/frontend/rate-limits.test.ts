import { describe, expect, test } from 'vitest';
import { createSimulatedEnv } from '#env';
import { type CallClass, createRateLimits } from '../../../src/frontend/rate-limits.ts';

const taken = (take: () => void, times: number): number => {
  let count = 0;
  for (let i = 0; i < times; i++) {
    try {
      take();
      count++;
    } catch (error) {
      expect(error).toMatchObject({
        kind: 'ServiceBusy',
        message: 'Too many outstanding requests to the cadence service',
      });
    }
  }
  return count;
};

describe('rate limits', () => {
  test('let a second of calls through, then as many as time brings', async () => {
    const env = createSimulatedEnv({ seed: 1 });
    const limits = createRateLimits(env.clock, { rps: 1000, domainRps: 10 });
    const call = (domain: string, callClass: CallClass) => () => limits.take(domain, callClass);
    expect(taken(call('shop', 'user'), 15)).toBe(10);
    await env.advance(500);
    expect(taken(call('shop', 'user'), 15)).toBe(5);
    await env.advance(60_000);
    expect(taken(call('shop', 'user'), 15)).toBe(10);
  });

  test('keep domains and classes apart', () => {
    const env = createSimulatedEnv({ seed: 1 });
    const limits = createRateLimits(env.clock, { rps: 1000, domainRps: 3 });
    for (const domain of ['shop', 'other']) {
      for (const callClass of ['user', 'worker', 'visibility'] as const) {
        expect(taken(() => limits.take(domain, callClass), 5)).toBe(3);
      }
    }
    expect(taken(() => limits.take('shop', 'none'), 50)).toBe(50);
  });

  test('bound the host whatever the domain', () => {
    const env = createSimulatedEnv({ seed: 1 });
    const limits = createRateLimits(env.clock, { rps: 7, domainRps: 100 });
    let domain = 0;
    expect(taken(() => limits.take(`d${domain++}`, 'user'), 20)).toBe(7);
  });
});
