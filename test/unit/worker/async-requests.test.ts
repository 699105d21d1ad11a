// The queue of async requests by itself: what is tried again, what is given up, what waits for what, and how much may wait.
import { StartWorkflowExecutionRequest } from '@antiphon/proto';
import { describe, expect, test } from 'vitest';
import { badRequest, DomainNotActiveError, internalService, ServiceBusyError } from '#base';
import { createSimulatedEnv } from '#env';
import { createMemoryStore } from '#persistence/memory';
import type { createLocalContext, Services } from '#rpc';
import { createAsyncRequests } from '#worker';

const DOMAIN_ID = 'domain-id';

function harness(answer: (workflowId: string, call: number) => Promise<void>, waitingMax = 100) {
  const env = createSimulatedEnv({ seed: 3 });
  const store = createMemoryStore();
  const made: string[] = [];
  const callers: ReturnType<typeof createLocalContext>[] = [];
  const calls = new Map<string, number>();
  const services: Services = {
    workflow: {
      startWorkflowExecution: async ({ workflowId }, context) => {
        callers.push(context);
        const call = (calls.get(workflowId) ?? 0) + 1;
        calls.set(workflowId, call);
        await answer(workflowId, call);
        made.push(workflowId);
        return { runId: 'run' };
      },
      signalWithStartWorkflowExecution: async () => ({ runId: 'run' }),
    },
  };
  const open = () =>
    createAsyncRequests(
      { env, log: store.log, services: () => services, listDomainIds: async () => [DOMAIN_ID] },
      { waitingMax },
    );
  const request = (workflowId: string, metadata = {}) => ({
    kind: 'start' as const,
    workflowId,
    request: StartWorkflowExecutionRequest.encode(StartWorkflowExecutionRequest.fromPartial({ workflowId })).finish(),
    metadata,
  });
  return { env, made, calls, callers, open, request };
}

const settle = async (env: ReturnType<typeof createSimulatedEnv>, ms = 60_000): Promise<void> => {
  await env.advance(ms);
};

describe('async requests', () => {
  test('are tried again for as long as the service is busy or the domain moves', async () => {
    const { env, made, calls, open, request } = harness(async (_id, call) => {
      if (call <= 30) throw call % 2 === 0 ? new ServiceBusyError('busy') : new DomainNotActiveError('d', 'a', 'b');
    });
    const queue = open();
    await queue.append(DOMAIN_ID, request('patient'));
    await settle(env, 300_000);
    expect(made).toEqual(['patient']);
    expect(calls.get('patient')).toBe(31);
  });

  test('that are refused, or keep failing, do not hold those behind them', async () => {
    const { env, made, calls, open, request } = harness(async (id) => {
      if (id === 'refused') throw badRequest('no');
      if (id === 'defect') throw internalService('oops');
    });
    const queue = open();
    for (const id of ['refused', 'defect', 'good']) await queue.append(DOMAIN_ID, request(id));
    await settle(env);
    expect(made).toEqual(['good']);
    expect(calls.get('refused')).toBe(1);
    expect(calls.get('defect')).toBe(10);
  });

  test('of one workflow id are made in their order, whatever the first takes', async () => {
    const order: string[] = [];
    const { env, open, request } = harness(async (id, call) => {
      if (id === 'slow' && call < 5) throw new ServiceBusyError('busy');
      order.push(`${id} ${call}`);
    });
    const accepting = open();
    await accepting.stop();
    for (const id of ['slow', 'slow', 'other']) await accepting.append(DOMAIN_ID, request(id));
    await open().start();
    await settle(env);
    expect(order).toEqual(['other 1', 'slow 5', 'slow 6']);
  });

  test('carry what their caller said', async () => {
    const { env, callers, open, request } = harness(async () => undefined);
    await open().append(
      DOMAIN_ID,
      request('w', {
        'cadence-client-isolation-group': 'zone-1',
        'cadence-caller-type': 'sdk',
        'cadence-priority': '1',
      }),
    );
    await settle(env);
    expect(callers[0]).toMatchObject({ isolationGroup: 'zone-1', callerType: 'sdk', isSystem: true });
    expect(callers[0]?.metadataText('cadence-priority')).toBe('1');
  });

  test('beyond the most that may wait are refused, until some are made', async () => {
    let isBusy = true;
    const { env, made, open, request } = harness(async () => {
      if (isBusy) throw new ServiceBusyError('busy');
    }, 3);
    const queue = open();
    for (const id of ['a', 'b', 'c']) await queue.append(DOMAIN_ID, request(id));
    await expect(queue.append(DOMAIN_ID, request('d'))).rejects.toMatchObject({ kind: 'ServiceBusy' });
    isBusy = false;
    await settle(env);
    await queue.append(DOMAIN_ID, request('d'));
    await settle(env);
    expect(made.toSorted()).toEqual(['a', 'b', 'c', 'd']);
  });

  test('that a stopped queue left are made by the next', async () => {
    let isBusy = true;
    const { env, made, open, request } = harness(async () => {
      if (isBusy) throw new ServiceBusyError('busy');
    });
    const first = open();
    for (const id of ['a', 'b']) await first.append(DOMAIN_ID, request(id));
    await settle(env, 1_000);
    const stopped = first.stop();
    await settle(env, 10_000);
    await stopped;
    expect(made).toEqual([]);
    isBusy = false;
    await open().start();
    await settle(env);
    expect(made.toSorted()).toEqual(['a', 'b']);
  });
});
