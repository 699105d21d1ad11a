// The bundle that every system worker loads: broken, it would stop them all.
import { connect, createWorker, type Transport } from '@antiphon/sdk/worker';
import { expect, test } from 'vitest';
import { loadSystemBundle } from '../../../src/worker/system/system-bundle.ts';

const transport: Transport = { call: () => Promise.reject(new Error('nothing is called')), close: () => undefined };

test('the bundle of the service has its workflows, by the names that tools know', async () => {
  const worker = await createWorker({
    connection: connect({ transport }),
    domain: 'any',
    taskList: 'any',
    workflowBundle: await loadSystemBundle(),
  });
  const known = [
    'cadence-scheduler',
    'cadence-sys-batch-workflow',
    'cadence-sys-batch-workflow-v2',
    'cadence-sys-failoverManager-workflow',
    'cadence-sys-probe-workflow',
    'cadence-sys-rebalance-workflow',
  ];
  expect(known.filter((type) => !worker.workflowTypes.includes(type))).toEqual([]);
  await worker.shutdown();
});
