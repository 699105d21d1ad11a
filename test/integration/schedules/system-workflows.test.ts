// The machinery under schedules and batches: the service's domains, and workers of its own that start with the first task.

import {
  DeprecateDomainRequest,
  DescribeDomainRequest,
  PollForDecisionTaskRequest,
  RegisterDomainRequest,
  UpdateDomainRequest,
} from '@antiphon/proto';
import { createClient } from '@antiphon/sdk/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '#config';
import { createRealEnv } from '#env';
import { createRemoteFrontendClient, type RemoteFrontendClient } from '#rpc';
import { type RunningServer, startServer } from '#server';

let server: RunningServer;
let client: RemoteFrontendClient;
beforeAll(async () => {
  server = await startServer(
    loadConfig({
      files: ['config/development.yaml'],
      overrides: {
        frontend: { address: '127.0.0.1:0' },
        metrics: { address: '' },
        persistence: { driver: 'memory' },
        log: { level: 'error' },
      },
      environment: {},
    }),
  );
  client = createRemoteFrontendClient(server.address, { env: createRealEnv() });
});
afterAll(async () => {
  client.close();
  await server.stop();
});

describe('the domains of the service', () => {
  test('are there from the start, with the ids that tools know', async () => {
    const ids = {
      'cadence-system': '32049b68-7872-4094-8e63-d0dd59896a83',
      'cadence-batcher': '3116607e-419b-4783-85fc-47726a4c3fe9',
    };
    for (const [name, id] of Object.entries(ids)) {
      const { domain } = await client.domain.describeDomain(
        DescribeDomainRequest.fromPartial({ describeBy: { $case: 'name', value: name } }),
      );
      expect(domain).toMatchObject({ id, name, isGlobalDomain: false });
    }
  });

  test('cannot be registered, changed or deprecated', async () => {
    await expect(
      client.domain.registerDomain(
        RegisterDomainRequest.fromPartial({
          name: 'cadence-batcher',
          workflowExecutionRetentionPeriod: { seconds: 86_400n },
        }),
      ),
    ).rejects.toMatchObject({ kind: 'DomainAlreadyExists' });
    const refusal = {
      kind: 'BadRequest',
      message: 'Domain cadence-system belongs to the service and cannot be changed.',
    };
    await expect(
      client.domain.updateDomain(
        UpdateDomainRequest.fromPartial({ name: 'cadence-system', description: 'mine', updateMask: ['description'] }),
      ),
    ).rejects.toMatchObject(refusal);
    await expect(
      client.domain.deprecateDomain(DeprecateDomainRequest.fromPartial({ name: 'cadence-system' })),
    ).rejects.toMatchObject(refusal);
  });
});

describe('workers of the service', () => {
  test('do not run before there is work, and then run it', async () => {
    expect(server.region.systemWorkers?.running()).toEqual([]);
    const sdk = createClient({ address: server.address, domain: 'cadence-system' });
    const handle = await sdk.workflow.start('cadence-sys-probe-workflow', {
      workflowId: 'probe',
      taskList: 'cadence-sys-probe-tasklist',
      executionTimeout: '1m',
      args: ['are you there?'],
    });
    expect(await handle.result()).toBe('are you there?');
    sdk.close();
    expect(server.region.systemWorkers?.running()).toEqual([
      '32049b68-7872-4094-8e63-d0dd59896a83/cadence-sys-probe-tasklist',
    ]);
  });

  test('keep their task lists to themselves', async () => {
    for (const name of ['cadence-scheduler', 'cadence-sys-probe-tasklist']) {
      await expect(
        client.worker.pollForDecisionTask(
          PollForDecisionTaskRequest.fromPartial({ domain: 'cadence-system', taskList: { name }, identity: 'thief' }),
        ),
      ).rejects.toMatchObject({ kind: 'BadRequest', message: expect.stringContaining('worked by the service itself') });
    }
  });
});
