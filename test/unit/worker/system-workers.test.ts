// When workers of the service run: with the first task, not without; where the domain is active, not elsewhere.
import {
  PollForActivityTaskResponse,
  PollForDecisionTaskResponse,
  RegisterDomainRequest,
  TaskListKind,
  TaskListType,
  UpdateDomainRequest,
} from '@antiphon/proto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ClusterGroup } from '#core';
import { createDomainCache, createDomainService, type DomainCache, type DomainService } from '#domains';
import { createSimulatedEnv, type SimulatedEnv } from '#env';
import type { Store } from '#persistence';
import { createMemoryStore } from '#persistence/memory';
import type { CallContext, Services } from '#rpc';
import { createSystemWorkers, type SystemWorkers, watchTaskLists } from '#worker';

const clusters: ClusterGroup = {
  currentCluster: 'a',
  primaryCluster: 'a',
  failoverVersionIncrement: 10,
  clusters: {
    a: { enabled: true, initialFailoverVersion: 1, rpcAddress: '' },
    b: { enabled: true, initialFailoverVersion: 2, rpcAddress: 'b' },
  },
};

/** A frontend that has no tasks: its polls wait until they are given up. */
function quietFrontend() {
  const open = { polls: 0 };
  const hold = async (context: CallContext): Promise<void> => {
    open.polls++;
    await new Promise<void>((resolve) => context.signal.addEventListener('abort', () => resolve(), { once: true }));
    open.polls--;
  };
  const services: Services = {
    worker: {
      pollForDecisionTask: async (_, context) => {
        expect(context.isSystem).toBe(true);
        await hold(context);
        return { response: PollForDecisionTaskResponse.create(), historyBlobs: [] };
      },
      pollForActivityTask: async (_, context) => {
        await hold(context);
        return PollForActivityTaskResponse.create();
      },
    },
  };
  return { open, services };
}

let env: SimulatedEnv;
let store: Store;
let domains: DomainCache;
let service: DomainService;
let frontend: ReturnType<typeof quietFrontend>;
let workers: SystemWorkers;
let domainId: string;
beforeEach(async () => {
  env = createSimulatedEnv({ seed: 1 });
  store = createMemoryStore();
  domains = createDomainCache({ env, store: store.domains, clusters }, { archivalDelayMs: 0 });
  service = createDomainService(
    { env, store: store.domains, cache: domains, clusters, publish: () => {} },
    { failoverCoolDownMs: 0 },
  );
  await service.register(
    RegisterDomainRequest.fromPartial({
      name: 'shop',
      isGlobalDomain: true,
      clusters: [{ clusterName: 'a' }, { clusterName: 'b' }],
      activeClusterName: 'a',
      workflowExecutionRetentionPeriod: { seconds: 86_400n },
    }),
  );
  domainId = (await domains.byName('shop')).id;
  frontend = quietFrontend();
  workers = createSystemWorkers(
    {
      env,
      domains,
      taskLists: store.taskLists,
      services: () => frontend.services,
      currentCluster: 'a',
      remoteCluster: () => undefined,
    },
    [
      { name: 'cadence-scheduler', activities: async () => ({ work: async () => undefined }) },
      { name: 'cadence-sys-elsewhere', domain: 'another', activities: async () => ({}) },
    ],
    { idleMs: 60_000 },
  );
});
afterEach(() => workers.stop());

const polls = () => expect.poll(() => frontend.open.polls, { timeout: 15_000 });
const KEY = () => [`${domainId}/cadence-scheduler`];

describe('a worker of the service', () => {
  test('starts with the first task and stops when none came for a while', async () => {
    await workers.start();
    expect(workers.running()).toEqual([]);
    workers.notice(domainId, 'cadence-scheduler');
    workers.notice(domainId, 'cadence-scheduler');
    expect(workers.running()).toEqual(KEY());
    // Two lists of decisions and one of activities.
    await polls().toBe(4);
    await env.advance(50_000);
    workers.notice(domainId, 'cadence-scheduler');
    await env.advance(50_000);
    expect(workers.running()).toEqual(KEY());
    await env.advance(61_000);
    expect(workers.running()).toEqual([]);
    await polls().toBe(0);
    workers.notice(domainId, 'cadence-scheduler');
    await polls().toBe(4);
  });

  test('stops when its domain becomes active elsewhere', async () => {
    await workers.start();
    workers.notice(domainId, 'cadence-scheduler');
    await polls().toBe(4);
    await service.update(
      UpdateDomainRequest.fromPartial({ name: 'shop', updateMask: ['active_cluster_name'], activeClusterName: 'b' }),
    );
    await polls().toBe(0);
    expect(workers.running()).toEqual([]);
  });

  test('starts for what an earlier process left in a task list', async () => {
    const key = { domainId, name: 'cadence-scheduler', type: TaskListType.TASK_LIST_TYPE_DECISION };
    const { rangeId } = await store.taskLists.leaseTaskList(key, TaskListKind.TASK_LIST_KIND_NORMAL, env.clock.nowMs());
    await workers.start();
    expect(workers.running()).toEqual([]);
    await workers.stop();
    const task = { taskId: 7, workflowId: 'w', runId: 'r', scheduleId: 2, attempt: 0, createdMs: 1, expiresMs: 0 };
    await store.taskLists.appendTasks(key, rangeId, [{ priority: 0, fairnessKey: '', fairnessWeight: 1, ...task }]);
    await workers.start();
    expect(workers.running()).toEqual(KEY());
  });

  test('runs nothing in a domain that its list does not belong to, or on a list that is nobody’s', async () => {
    await workers.start();
    workers.notice(domainId, 'cadence-sys-elsewhere');
    workers.notice(domainId, 'cadence-sys-unknown');
    workers.notice(domainId, 'cadence-scheduler');
    await polls().toBe(4);
  });
});

test('the watch notices work for the service on its way to matching, and passes everything on', async () => {
  const noticed: string[] = [];
  const passed: string[] = [];
  const matching = new Proxy({} as Parameters<typeof watchTaskLists>[0] extends () => infer M ? M & object : never, {
    get: (_, method: string) => async () => {
      passed.push(method);
    },
  });
  const watched = watchTaskLists(
    () => matching,
    (domain, name) => noticed.push(`${domain}/${name}`),
  );
  const task = (name: string) => ({
    domainId: 'd',
    workflowId: 'w',
    runId: 'r',
    scheduleId: 2,
    attempt: 0,
    taskList: { name, kind: TaskListKind.TASK_LIST_KIND_NORMAL, baseName: '' },
    scheduleToStartMs: 0,
  });
  await watched.addDecisionTask(task('orders') as never);
  await watched.addDecisionTask(task('cadence-scheduler') as never);
  await watched.addActivityTask(task('cadence-sys-batcher-tasklist') as never);
  await watched.addActivityTask(task('cadence-samples') as never);
  await watched.listTaskLists('d');
  expect(noticed).toEqual(['d/cadence-scheduler', 'd/cadence-sys-batcher-tasklist']);
  expect(passed).toEqual(['addDecisionTask', 'addDecisionTask', 'addActivityTask', 'addActivityTask', 'listTaskLists']);
});
