// The life of a domain over the wire: registered, changed field by field, failed over, deprecated, deleted.

import { randomUUID } from 'node:crypto';
import {
  CountWorkflowExecutionsRequest,
  DeleteDomainRequest,
  DeprecateDomainRequest,
  DescribeDomainRequest,
  DomainStatus,
  FailoverDomainRequest,
  ListDomainsRequest,
  ListFailoverHistoryRequest,
  RegisterDomainRequest,
  StartWorkflowExecutionRequest,
  UpdateDomainRequest,
} from '@antiphon/proto';
import { DeleteWorkflowRequest } from '@antiphon/proto/admin';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AdminTarget, openAdminTarget, seconds } from '../admin/region.ts';

let target: AdminTarget;
beforeAll(async () => {
  target = await openAdminTarget();
});
afterAll(() => target.close());

const api = () => target.client.domain;
const register = (name: string, fields: object = {}) =>
  api().registerDomain(
    RegisterDomainRequest.fromPartial({ name, workflowExecutionRetentionPeriod: seconds(86_400), ...fields }),
  );
const global = { isGlobalDomain: true, clusters: [{ clusterName: 'region-a' }, { clusterName: 'region-b' }] };
const describeDomain = async (name: string) =>
  (await api().describeDomain(DescribeDomainRequest.fromPartial({ describeBy: { $case: 'name', value: name } })))
    .domain;
const update = (name: string, fields: object, updateMask: string[]) =>
  api().updateDomain(UpdateDomainRequest.fromPartial({ name, ...fields, updateMask }));
const remove = (name: string) => api().deleteDomain(DeleteDomainRequest.fromPartial({ name }));
const deprecate = (name: string) => api().deprecateDomain(DeprecateDomainRequest.fromPartial({ name }));
const failover = (domainName: string, domainActiveClusterName: string) =>
  api().failoverDomain(FailoverDomainRequest.fromPartial({ domainName, domainActiveClusterName }));

describe('a domain', () => {
  test('is registered once, by a good name', async () => {
    await register('fresh');
    expect(await describeDomain('fresh')).toMatchObject({ name: 'fresh', activeClusterName: 'region-a' });
    await expect(register('fresh')).rejects.toMatchObject({ kind: 'DomainAlreadyExists' });
    await expect(register('no spaces')).rejects.toThrow('Domain name can only include alphanumeric');
    await expect(register('')).rejects.toThrow('Domain not set on request.');
    await expect(register('eternal', { workflowExecutionRetentionPeriod: seconds(1e9) })).rejects.toThrow(
      'RetentionDays is invalid.',
    );
    const { domains } = await api().listDomains(ListDomainsRequest.fromPartial({ pageSize: 100 }));
    expect(domains.map(({ name }) => name)).toContain('fresh');
  });

  test('changes in what the mask names, and nothing else', async () => {
    await register('masked', { description: 'old', ownerEmail: 'old@example.com', data: { team: 'a' } });
    const fields = { description: 'new', ownerEmail: 'new@example.com', data: { tier: '1' } };
    await update('masked', fields, ['description', 'data']);
    expect(await describeDomain('masked')).toMatchObject({
      description: 'new',
      ownerEmail: 'old@example.com',
      data: { team: 'a', tier: '1' },
    });
    const info = { reason: 'it panics', operator: 'me' };
    await update('masked', { badBinaries: { binaries: { abc: info } } }, ['bad_binaries']);
    expect((await describeDomain('masked'))?.badBinaries?.binaries).toMatchObject({ abc: info });
    await update('masked', { deleteBadBinary: 'abc' }, ['delete_bad_binary']);
    expect((await describeDomain('masked'))?.badBinaries?.binaries).toEqual({});
    await expect(update('masked', { deleteBadBinary: 'abc' }, ['delete_bad_binary'])).rejects.toThrow("doesn't exists");
  });

  test('fails over and keeps the history of it', async () => {
    await register('moves', global);
    const before = await describeDomain('moves');
    await failover('moves', 'region-b');
    const after = await describeDomain('moves');
    expect(after?.activeClusterName).toBe('region-b');
    expect(Number(after?.failoverVersion)).toBeGreaterThan(Number(before?.failoverVersion));
    await failover('moves', 'region-a');
    const { failoverEvents } = await api().listFailoverHistory(
      ListFailoverHistoryRequest.fromPartial({ filters: { domainId: after?.id ?? '' } }),
    );
    expect(failoverEvents.map(({ clusterFailovers }) => clusterFailovers[0]?.toCluster?.activeClusterName)).toEqual([
      'region-a',
      'region-b',
    ]);
    const page = (pageSize: number, nextPageToken: Uint8Array = Buffer.alloc(0)) =>
      api().listFailoverHistory(
        ListFailoverHistoryRequest.fromPartial({
          filters: { domainId: after?.id ?? '' },
          pagination: { pageSize, nextPageToken },
        }),
      );
    const first = await page(1);
    const second = await page(1, first.nextPageToken);
    expect([...first.failoverEvents, ...second.failoverEvents]).toEqual(failoverEvents);
    expect(second.nextPageToken).toHaveLength(0);
    await expect(page(1, Buffer.from('mine'))).rejects.toThrow('Invalid NextPageToken.');
    await expect(failover('moves', 'mars')).rejects.toThrow('Invalid cluster name: mars');
    await expect(failover('shop', 'region-b')).rejects.toThrow('Local domains cannot perform failovers');
  });

  test('is deleted when it is deprecated and empty, and its name is free', async () => {
    await register('short-lived');
    await target.start('last-one', { domain: 'short-lived' });
    await expect(remove('short-lived')).rejects.toThrow('Domain is not in a deprecated state.');
    await deprecate('short-lived');
    expect((await describeDomain('short-lived'))?.status).toBe(DomainStatus.DOMAIN_STATUS_DEPRECATED);
    await expect(
      target.client.workflow.startWorkflowExecution(
        StartWorkflowExecutionRequest.fromPartial({
          domain: 'short-lived',
          workflowId: 'late',
          workflowType: { name: 'Order' },
          taskList: { name: 'late' },
          requestId: randomUUID(),
          executionStartToCloseTimeout: seconds(60),
          taskStartToCloseTimeout: seconds(10),
        }),
      ),
    ).rejects.toThrow('Domain is deprecated.');
    const listed = () =>
      target.client.visibility.countWorkflowExecutions(
        CountWorkflowExecutionsRequest.fromPartial({ domain: 'short-lived' }),
      );
    await expect.poll(async () => (await listed()).count).toBe(1n);
    await expect(remove('short-lived')).rejects.toThrow('Workflow executions still exist in the domain.');
    const workflowExecution = { workflowId: 'last-one' };
    await target.client.admin.deleteWorkflow(
      DeleteWorkflowRequest.fromPartial({ domain: 'short-lived', workflowExecution }),
    );
    await remove('short-lived');
    await expect(describeDomain('short-lived')).rejects.toMatchObject({ kind: 'EntityNotExists' });
    await register('short-lived');
    await expect(remove('nowhere')).rejects.toMatchObject({ kind: 'EntityNotExists' });
  });
});
