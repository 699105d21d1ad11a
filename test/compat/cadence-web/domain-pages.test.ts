// The pages about domains: the list of all, and of one its summary, settings and failovers.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { CLUSTER, DOMAIN, openSite, type Site } from './site.ts';
import type { Answer } from './web-client.ts';

let site: Site;
beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site.stop());

const describeDomain = async (): Promise<Answer> =>
  (await site.web.call('domain', 'DescribeDomain', { name: DOMAIN })).domain;

/** What its pages read of a domain. */
const checkDomain = (domain: Answer): void => {
  expect(domain).toMatchObject({
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    name: DOMAIN,
    status: 'DOMAIN_STATUS_REGISTERED',
    description: expect.any(String),
    ownerEmail: expect.any(String),
    data: {},
    workflowExecutionRetentionPeriod: { seconds: expect.stringMatching(/^\d+$/), nanos: 0 },
    historyArchivalStatus: 'ARCHIVAL_STATUS_DISABLED',
    visibilityArchivalStatus: 'ARCHIVAL_STATUS_DISABLED',
    historyArchivalUri: '',
    visibilityArchivalUri: '',
    activeClusterName: CLUSTER,
    clusters: [{ clusterName: CLUSTER }],
    failoverVersion: expect.stringMatching(/^-?\d+$/),
    isGlobalDomain: false,
    failoverInfo: null,
  });
};

test('the list of domains has those of its cluster', async () => {
  const { domains, nextPageToken } = await site.web.call('domain', 'ListDomains', { pageSize: 2000 });
  const shown = domains.filter(
    ({ status, clusters }: Answer) =>
      status !== 'DOMAIN_STATUS_INVALID' &&
      status !== 'DOMAIN_STATUS_DELETED' &&
      clusters.some(({ clusterName }: Answer) => clusterName === CLUSTER),
  );
  expect(nextPageToken).toBe('');
  checkDomain(shown.find(({ name }: Answer) => name === DOMAIN));
});

test('the list of domains goes on by page', async () => {
  const names: string[] = [];
  for (let nextPageToken: string | undefined; nextPageToken !== ''; ) {
    const page: Answer = await site.web.call('domain', 'ListDomains', { pageSize: 1, nextPageToken });
    names.push(...page.domains.map(({ name }: Answer) => name));
    nextPageToken = page.nextPageToken as string;
  }
  expect(names).toContain(DOMAIN);
  expect(new Set(names).size).toBe(names.length);
});

describe('the page of a domain', () => {
  test('has its summary', async () => {
    checkDomain(await describeDomain());
  });

  test('of a domain that is not there says not found', async () => {
    await expect(site.web.call('domain', 'DescribeDomain', { name: 'nowhere' })).rejects.toMatchObject({
      code: 5,
      message: 'Domain nowhere does not exist.',
    });
  });

  test('shows workflows by query, because the cluster says that it can', async () => {
    const cluster = await site.web.call('admin', 'DescribeCluster', { name: CLUSTER });
    const { features } = cluster.persistenceInfo.visibilityStore;
    expect(features.find(({ key }: Answer) => key === 'advancedVisibilityEnabled')?.enabled).toBe(true);
    expect(cluster.supportedClientVersions).toMatchObject({ goSdk: expect.any(String), javaSdk: expect.any(String) });
  });

  test('knows the search attributes and their types', async () => {
    const { keys } = await site.web.call('visibility', 'GetSearchAttributes', {});
    expect(keys).toMatchObject({
      WorkflowType: 'INDEXED_VALUE_TYPE_KEYWORD',
      StartTime: expect.stringMatching(/^INDEXED_VALUE_TYPE_(INT|DATETIME)$/),
      CustomKeywordField: 'INDEXED_VALUE_TYPE_KEYWORD',
      CustomDomain: 'INDEXED_VALUE_TYPE_KEYWORD',
    });
  });

  test('saves its settings by mask, and leaves the others as they are', async () => {
    const save = (values: object): Promise<Answer> =>
      site.web.call('domain', 'UpdateDomain', {
        ...values,
        name: DOMAIN,
        securityToken: '',
        updateMask: {
          paths: Object.keys(values).map((key) => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)),
        },
      });
    const { domain } = await save({
      description: 'Carts and orders',
      workflowExecutionRetentionPeriod: { seconds: 3 * 86_400 },
    });
    expect(domain).toMatchObject({
      name: DOMAIN,
      description: 'Carts and orders',
      workflowExecutionRetentionPeriod: { seconds: '259200', nanos: 0 },
    });
    await save({ description: 'Carts' });
    await vi.waitFor(async () =>
      expect(await describeDomain()).toMatchObject({
        description: 'Carts',
        workflowExecutionRetentionPeriod: { seconds: '259200', nanos: 0 },
      }),
    );
  });

  test('lists its failovers, of which a local domain has none', async () => {
    const { id } = await describeDomain();
    const request = { filters: { domainId: id }, pagination: { nextPageToken: undefined } };
    const { failoverEvents, nextPageToken } = await site.web.call('domain', 'ListFailoverHistory', request);
    expect([failoverEvents, nextPageToken]).toEqual([[], '']);
  });
});
