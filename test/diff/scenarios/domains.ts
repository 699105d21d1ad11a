// Domains: registration, description, every update, deprecation and deletion, with the faults of each.
import type { RegisterDomainRequest, UpdateDomainRequest } from '@antiphon/proto';
import { complete, seconds } from '../messages.ts';
import type { Player } from '../player.ts';
import { scenariosOf } from '../scenario.ts';
import type { Loose } from '../wire.ts';

type Register = Loose<RegisterDomainRequest>;
type Update = Loose<UpdateDomainRequest>;

// Two registrations at one time can make one of them fail at the reference server.
const ALONE = { isAlone: true };
const days = (count: number) => seconds(count * 24 * 3600);

const register = (p: Player, more: Register = {}) =>
  p.call.domain.registerDomain({ name: p.id('domain'), workflowExecutionRetentionPeriod: days(1), ...more });

async function show(p: Player, step = 'DescribeDomain'): Promise<string> {
  const outcome = await p.quiet.domain.describeDomain({ describeBy: { $case: 'name', value: p.id('domain') } });
  const id = outcome.answer?.domain?.id ?? '';
  if (id !== '') p.name(id, 'domain id');
  p.show(step, outcome);
  return id;
}

const long = 'x'.repeat(1001);
const registrations: Readonly<Record<string, Register>> = {
  'with a name only': {},
  'with everything': {
    description: 'd',
    ownerEmail: 'o@example.org',
    data: { key: 'value' },
    clusters: [{ clusterName: 'region-a' }],
    activeClusterName: 'region-a',
    securityToken: 'token',
  },
  global: { isGlobalDomain: true },
  'global with its cluster': {
    isGlobalDomain: true,
    clusters: [{ clusterName: 'region-a' }],
    activeClusterName: 'region-a',
  },
  'without a name': { name: '' },
  'with a name that has spaces': { name: 'a b' },
  'with a name of other letters': { name: 'under_score' },
  'with a name too long': { name: long },
  'without retention': { workflowExecutionRetentionPeriod: undefined },
  'with a retention of zero': { workflowExecutionRetentionPeriod: days(0) },
  'with a retention below zero': { workflowExecutionRetentionPeriod: days(-1) },
  'with a retention below a day': { workflowExecutionRetentionPeriod: seconds(3600) },
  'with a retention of one and a half days': { workflowExecutionRetentionPeriod: seconds(36 * 3600) },
  'with the longest retention': { workflowExecutionRetentionPeriod: days(30) },
  'with a retention too long': { workflowExecutionRetentionPeriod: days(31) },
  'with an unknown cluster': { clusters: [{ clusterName: 'mars' }] },
  'active in an unknown cluster': { activeClusterName: 'mars' },
  'active in a cluster that is not listed': { clusters: [{ clusterName: 'mars' }], activeClusterName: 'region-a' },
  'with two clusters and not global': { clusters: [{ clusterName: 'region-a' }, { clusterName: 'mars' }] },
  'archiving where no archive is': { historyArchivalStatus: 2, historyArchivalUri: 'file:///tmp/x' },
  'archiving visibility where no archive is': { visibilityArchivalStatus: 2, visibilityArchivalUri: 'file:///tmp/x' },
};

scenariosOf(
  'domain-register',
  Object.fromEntries(
    Object.entries(registrations).map(([behaviour, more]) => [
      behaviour,
      async (p) => {
        const { error } = await register(p, more);
        if (error === undefined) await show(p);
      },
    ]),
  ),
  ALONE,
);

scenariosOf(
  'domain-register',
  {
    twice: async (p) => {
      await register(p);
      await register(p);
    },
    'global, and its events have its version': async (p) => {
      await register(p, { isGlobalDomain: true });
      const domain = p.id('domain');
      await p.until('the domain is served', async () => {
        const { error } = await p.quiet.workflow.getTaskListsByDomain({ domain });
        return error === undefined;
      });
      await p.call.workflow.startWorkflowExecution(p.startRequest({ domain, taskStartToCloseTimeout: seconds(1) }));
      await p.pollDecision({ domain });
      await p.sleep(2500);
      await p.turn([complete()], { domain });
      const { answer } = await p.quiet.workflow.getWorkflowExecutionHistory({
        domain,
        workflowExecution: { workflowId: p.id('wf') },
      });
      p.note('events', answer?.history?.events);
    },
    'and starts workflows': async (p) => {
      await register(p);
      const domain = p.id('domain');
      await p.until('the domain is served', async () => {
        const { error } = await p.quiet.workflow.getTaskListsByDomain({ domain });
        return error === undefined;
      });
      await p.call.workflow.startWorkflowExecution(p.startRequest({ domain }));
      await p.turn([complete()], { domain });
    },
  },
  ALONE,
);

const updates: Readonly<Record<string, Update>> = {
  'the description': { updateMask: ['description'], description: 'new' },
  'the owner': { updateMask: ['owner_email'], ownerEmail: 'n@example.org' },
  'the description, the mask left out': { description: 'new' },
  'with an unknown field in the mask': { updateMask: ['colour'], description: 'new' },
  'the data': { updateMask: ['data'], data: { key: 'new', other: 'more' } },
  'the retention': {
    updateMask: ['workflow_execution_retention_period'],
    workflowExecutionRetentionPeriod: days(7),
  },
  'the retention too long': {
    updateMask: ['workflow_execution_retention_period'],
    workflowExecutionRetentionPeriod: days(31),
  },
  'the retention to zero': {
    updateMask: ['workflow_execution_retention_period'],
    workflowExecutionRetentionPeriod: days(0),
  },
  'the bad binaries': {
    updateMask: ['bad_binaries'],
    badBinaries: { binaries: { broken: { reason: 'crashes', operator: 'me' } } },
  },
  'a bad binary that is not there away': { updateMask: ['delete_bad_binary'], deleteBadBinary: 'none' },
  'the active cluster': { updateMask: ['active_cluster_name'], activeClusterName: 'region-a' },
  'the active cluster to an unknown one': { updateMask: ['active_cluster_name'], activeClusterName: 'mars' },
  'the clusters': { updateMask: ['clusters'], clusters: [{ clusterName: 'region-a' }] },
  'the clusters to unknown ones': { updateMask: ['clusters'], clusters: [{ clusterName: 'mars' }] },
  'the archive of histories where there is none': {
    updateMask: ['history_archival_status', 'history_archival_uri'],
    historyArchivalStatus: 2,
    historyArchivalUri: 'file:///tmp/x',
  },
  'with a failover timeout': { updateMask: ['failover_timeout'], failoverTimeout: seconds(10) },
  nothing: { updateMask: [] },
};

scenariosOf(
  'domain-update',
  Object.fromEntries(
    Object.entries(updates).map(([behaviour, update]) => [
      behaviour,
      async (p) => {
        await register(p, { description: 'old', ownerEmail: 'o@example.org', data: { key: 'value', kept: 'yes' } });
        await show(p, 'before');
        await p.call.domain.updateDomain({ name: p.id('domain'), ...update });
        await show(p, 'after');
      },
    ]),
  ),
  ALONE,
);

scenariosOf(
  'domain-update-global',
  Object.fromEntries(
    [
      'the description',
      'the active cluster',
      'the active cluster to an unknown one',
      'the clusters',
      'with a failover timeout',
    ].map((behaviour) => [
      behaviour,
      async (p: Player) => {
        await register(p, { isGlobalDomain: true });
        await p.call.domain.updateDomain({ name: p.id('domain'), ...updates[behaviour] });
        await show(p);
      },
    ]),
  ),
  ALONE,
);

scenariosOf(
  'domain-update',
  {
    'of an unknown domain': async (p) => {
      await p.call.domain.updateDomain({
        name: p.id('domain'),
        updateMask: ['description'],
        description: 'new',
      });
      await p.call.domain.updateDomain({ name: '', updateMask: ['description'], description: 'new' });
    },
    'bad binaries, more and less': async (p) => {
      await register(p);
      const bad = (...names: string[]): Update => ({
        name: p.id('domain'),
        updateMask: ['bad_binaries'],
        badBinaries: { binaries: Object.fromEntries(names.map((name) => [name, { reason: 'r', operator: 'o' }])) },
      });
      await p.call.domain.updateDomain(bad('one', 'two'));
      await p.call.domain.updateDomain({
        name: p.id('domain'),
        updateMask: ['delete_bad_binary'],
        deleteBadBinary: 'one',
      });
      await p.call.domain.updateDomain(bad(...Array.from({ length: 11 }, (_, index) => `b${index}`)));
      await show(p);
    },
  },
  ALONE,
);

scenariosOf(
  'domain-failover',
  {
    'of an unknown domain': async (p) => {
      await p.call.domain.failoverDomain({ domainName: p.id('domain'), domainActiveClusterName: 'region-a' });
    },
    'of a local domain': async (p) => {
      await register(p);
      await p.call.domain.failoverDomain({ domainName: p.id('domain'), domainActiveClusterName: 'region-a' });
    },
    'of a global domain to where it is': async (p) => {
      await register(p, { isGlobalDomain: true });
      await p.call.domain.failoverDomain({ domainName: p.id('domain'), domainActiveClusterName: 'region-a' });
      await show(p);
    },
    'to an unknown cluster': async (p) => {
      await register(p, { isGlobalDomain: true });
      await p.call.domain.failoverDomain({ domainName: p.id('domain'), domainActiveClusterName: 'mars' });
    },
    'without a cluster': async (p) => {
      await register(p, { isGlobalDomain: true });
      await p.call.domain.failoverDomain({ domainName: p.id('domain') });
    },
    'without a domain': async (p) => {
      await p.call.domain.failoverDomain({ domainActiveClusterName: 'region-a' });
    },
    'history of a domain': async (p) => {
      await register(p, { isGlobalDomain: true });
      const domainId = await show(p);
      await p.call.domain.listFailoverHistory({ filters: { domainId } });
      await p.call.domain.listFailoverHistory({});
      await p.call.domain.listFailoverHistory({ filters: { domainId: 'none' } });
    },
  },
  ALONE,
);

scenariosOf(
  'domain',
  {
    'is described by name and by id': async (p) => {
      await register(p);
      const id = await show(p);
      await p.call.domain.describeDomain({ describeBy: { $case: 'id', value: id } });
    },
    'is described with faults': async (p) => {
      await p.call.domain.describeDomain({});
      await p.call.domain.describeDomain({ describeBy: { $case: 'name', value: '' } });
      await p.call.domain.describeDomain({ describeBy: { $case: 'name', value: 'diff-unknown' } });
      await p.call.domain.describeDomain({ describeBy: { $case: 'id', value: 'none' } });
      await p.call.domain.describeDomain({
        describeBy: { $case: 'id', value: '11111111-2222-4333-8444-555555555555' },
      });
    },
    'is deprecated': async (p) => {
      await register(p);
      await p.call.domain.deprecateDomain({ name: p.id('domain') });
      await show(p);
      await p.call.domain.deprecateDomain({ name: p.id('domain') });
      await p.call.domain.updateDomain({
        name: p.id('domain'),
        updateMask: ['description'],
        description: 'new',
      });
    },
    'is deprecated and starts nothing more': async (p) => {
      await register(p);
      const domain = p.id('domain');
      await p.call.domain.deprecateDomain({ name: domain });
      await p.until('starts are refused', async () => {
        const { error } = await p.quiet.workflow.startWorkflowExecution(
          p.startRequest({ domain, workflowId: p.id(`try-${Date.now()}`) }),
        );
        return error !== undefined && !error.message.includes('cannot be loaded');
      });
      await p.call.workflow.startWorkflowExecution(p.startRequest({ domain }));
      await p.call.workflow.signalWithStartWorkflowExecution({
        startRequest: p.startRequest({ domain }),
        signalName: 's',
      });
    },
    'is deprecated with faults': async (p) => {
      await p.call.domain.deprecateDomain({ name: '' });
      await p.call.domain.deprecateDomain({ name: p.id('domain') });
    },
    'is deleted with faults': async (p) => {
      await register(p);
      await p.call.domain.deleteDomain({ name: '' });
      await p.call.domain.deleteDomain({ name: 'diff-unknown' });
      await p.call.domain.deleteDomain({ name: p.id('domain') });
    },
  },
  ALONE,
);
