import { DescribeWorkflowExecutionResponse, WorkflowQuery } from '@antiphon/proto';
import { beforeEach, describe, expect, it } from 'vitest';
import { EntityNotExistsError, ShardOwnershipLostError, unavailable } from '#base';
import { createSimulatedEnv, type SimulatedEnv } from '#env';
import { createRoutedHistory, type HistoryClient, type HostServices, HostUnreachable } from '#rpc';
import { CircuitBreaker } from '../../../src/rpc/circuit-breaker.ts';

const RUN = { domainId: 'd', workflowId: 'w', runId: '' };
const KNOWN: ReadonlySet<string> = new Set(['a', 'b']);
const SIGNAL = { signalName: 's', identity: '', requestId: 'r' };

let env: SimulatedEnv;
let owner: string;
let asked: string[];
let answers: Record<string, (() => unknown)[]>;
let suspects: string[];

beforeEach(() => {
  env = createSimulatedEnv({ seed: 1 });
  owner = 'a';
  asked = [];
  answers = {};
  suspects = [];
});

/** Hosts that answer in turn as a test says, and with success when it says nothing more. */
function routed(): HistoryClient {
  const answer = async (hostId: string): Promise<unknown> => {
    asked.push(hostId);
    const next = answers[hostId]?.shift();
    return next === undefined ? DescribeWorkflowExecutionResponse.fromPartial({}) : next();
  };
  const history = (hostId: string) => new Proxy({} as HistoryClient, { get: () => () => answer(hostId) });
  return createRoutedHistory({
    env,
    host: (hostId) => (KNOWN.has(hostId) ? (history(hostId) as HostServices[never]) : undefined),
    ownerOfShard: () => owner,
    shardOf: () => 3,
    ownerOfList: () => 'a',
    matchingHosts: () => [],
    suspect: (hostId) => suspects.push(hostId),
  });
}

async function outcome(call: Promise<unknown>): Promise<unknown> {
  let settled: unknown;
  call.then(
    () => {
      settled = 'done';
    },
    (error: unknown) => {
      settled = error;
    },
  );
  for (let turn = 0; turn < 400 && settled === undefined; turn++) await env.advance(25);
  return settled;
}

const raise = (error: Error) => (): never => {
  throw error;
};

describe('a call on a shard', () => {
  it('goes to its owner', async () => {
    owner = 'b';
    expect(await outcome(routed().describeWorkflow(RUN))).toBe('done');
    expect(asked).toEqual(['b']);
  });

  it('goes at once to the owner that the asked host names, and only once on its word', async () => {
    answers.a = [raise(new ShardOwnershipLostError(3, { owner: 'b' }))];
    answers.b = [raise(new ShardOwnershipLostError(3, { owner: 'a' }))];
    const began = env.clock.monotonicMs();
    expect(await outcome(routed().signalWorkflow(RUN, SIGNAL))).toBe('done');
    expect(asked).toEqual(['a', 'b', 'a']);
    expect(env.clock.monotonicMs() - began).toBeGreaterThan(0);
  });

  // Hosts that start after all have died forget the dead ones one after another.
  it('is made again at the owner when the asked host names one that is not there any more', async () => {
    answers.a = [raise(new ShardOwnershipLostError(3, { owner: 'dead' }))];
    expect(await outcome(routed().signalWorkflow(RUN, SIGNAL))).toBe('done');
    expect(asked).toEqual(['a', 'a']);
  });

  it('waits for an owner that is not there to be replaced, within its time', async () => {
    owner = 'dead';
    env.scheduler.after(1_000, () => {
      owner = 'b';
    });
    expect(await outcome(routed().signalWorkflow(RUN, SIGNAL))).toBe('done');
    expect(asked).toEqual(['b']);
    owner = 'dead';
    expect(await outcome(routed().signalWorkflow(RUN, SIGNAL))).toMatchObject({
      kind: 'Unavailable',
      message: 'Host dead is not there, please retry',
    });
  });

  it('is made again while the shard moves, until its time is over', async () => {
    const lost = new ShardOwnershipLostError(3);
    answers.a = Array.from({ length: 1_000 }, () => raise(lost));
    const began = env.clock.monotonicMs();
    expect(await outcome(routed().signalWorkflow(RUN, SIGNAL))).toBe(lost);
    expect(env.clock.monotonicMs() - began).toBeGreaterThan(3_000);
    expect(asked.length).toBeLessThan(40);
    asked = [];
    const deadlineMs = env.clock.nowMs() + 200;
    const options = { deadlineMs, rejectCondition: 0, consistency: 0 } as const;
    expect(await outcome(routed().queryWorkflow(RUN, WorkflowQuery.fromPartial({}), options))).toBe(lost);
    expect(env.clock.nowMs()).toBeLessThan(deadlineMs + 50);
  });

  it('is not made again when it may have happened, unless it may be repeated', async () => {
    const reset = new HostUnreachable('connection reset', true);
    answers.a = [raise(reset)];
    expect(await outcome(routed().signalWorkflow(RUN, SIGNAL))).toBe(reset);
    answers.a = [raise(reset)];
    expect(await outcome(routed().describeWorkflow(RUN))).toBe('done');
    answers.a = [raise(new HostUnreachable('connection refused', false))];
    expect(await outcome(routed().signalWorkflow(RUN, SIGNAL))).toBe('done');
  });

  it('tells of every host whose address refuses it, and of no other', async () => {
    answers.a = [
      raise(new ShardOwnershipLostError(3, { owner: 'b' })),
      raise(new HostUnreachable('no connection in time', false)),
      raise(new HostUnreachable('connection reset', true)),
    ];
    answers.b = [raise(new HostUnreachable('connection refused', false, true))];
    expect(await outcome(routed().describeWorkflow(RUN))).toBe('done');
    expect(asked).toEqual(['a', 'b', 'a', 'a', 'a']);
    expect(suspects).toEqual(['b']);
  });

  it('ends with the answer of the owner, whatever that is', async () => {
    for (const error of [new EntityNotExistsError('no such workflow'), unavailable('the store is away')]) {
      answers.a = [raise(error)];
      asked = [];
      expect(await outcome(routed().describeWorkflow(RUN))).toBe(error);
      expect(asked).toEqual(['a']);
    }
  });
});

describe('the circuit breaker of a host', () => {
  const options = { failuresMax: 3, pauseMsMin: 100, pauseMsMax: 1_000 };

  it('opens after failures in a row, lets one call through after a pause, and closes with its success', async () => {
    const breaker = new CircuitBreaker(env, options);
    for (let failure = 0; failure < 2; failure++) breaker.failed();
    breaker.succeeded();
    for (let failure = 0; failure < 3; failure++) {
      expect(breaker.tryPass()).toBe(true);
      breaker.failed();
    }
    expect(breaker.tryPass()).toBe(false);
    await env.advance(130);
    expect(breaker.tryPass()).toBe(true);
    expect(breaker.tryPass()).toBe(false);
    breaker.succeeded();
    expect(breaker.tryPass()).toBe(true);
  });

  it('takes the calls that were lost at once for one failure', async () => {
    const breaker = new CircuitBreaker(env, options);
    for (let failure = 0; failure < 20; failure++) breaker.failed();
    expect(breaker.tryPass()).toBe(false);
    await env.advance(130);
    expect(breaker.tryPass()).toBe(true);
  });

  it('waits longer each time the one call fails', async () => {
    const breaker = new CircuitBreaker(env, options);
    for (let failure = 0; failure < 3; failure++) breaker.failed();
    await env.advance(130);
    expect(breaker.tryPass()).toBe(true);
    breaker.failed();
    await env.advance(130);
    expect(breaker.tryPass()).toBe(false);
    await env.advance(130);
    expect(breaker.tryPass()).toBe(true);
    breaker.abandoned();
    expect(breaker.tryPass()).toBe(true);
  });
});
