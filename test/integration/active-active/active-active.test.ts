// One domain, active in two regions at once by cluster attribute, over real gRPC: `us` and `home` are in region-a, `eu` and `nordic` in
// region-b at first.
import {
  ContinueAsNewWorkflowExecutionDecisionAttributes,
  type Decision,
  DecisionTaskFailedCause,
  DescribeTaskListRequest,
  FailoverDomainRequest,
  ListFailoverHistoryRequest,
  RegisterDomainRequest,
  RequestCancelExternalWorkflowExecutionDecisionAttributes,
  ResetWorkflowExecutionRequest,
  RespondDecisionTaskCompletedRequest,
  SignalExternalWorkflowExecutionDecisionAttributes,
  SignalWithStartWorkflowExecutionRequest,
  StartChildWorkflowExecutionDecisionAttributes,
  TaskListType,
  TerminateWorkflowExecutionRequest,
} from '@antiphon/proto';
import { afterAll, beforeAll, expect, describe as group, test } from 'vitest';
import type { RemoteFrontendClient } from '#rpc';
import {
  agreedDomain,
  attribute,
  complete,
  DOMAIN,
  decide,
  describe,
  eventsIn,
  failOver,
  kindOf,
  placesOf,
  poll,
  regionAttributes,
  registerActiveActive,
  type Servers,
  signal,
  start,
  startRequest,
  startTwoServers,
  until,
  untilBothHave,
  versionsOf,
} from './two-servers.ts';

let servers: Servers;
let a: RemoteFrontendClient;
let b: RemoteFrontendClient;

beforeAll(async () => {
  servers = await startTwoServers();
  ({ a, b } = servers);
  await registerActiveActive(servers, { us: 'region-a', home: 'region-a', eu: 'region-b', nordic: 'region-b' });
});
afterAll(() => servers?.close());

const child = (workflowId: string): Decision['attributes'] => ({
  $case: 'startChildWorkflowExecutionDecisionAttributes',
  value: StartChildWorkflowExecutionDecisionAttributes.fromPartial({
    workflowId,
    workflowType: { name: 'Order' },
    taskList: { name: workflowId },
  }),
});

const continueAsNew = (region?: string): Decision['attributes'] => ({
  $case: 'continueAsNewWorkflowExecutionDecisionAttributes',
  value: ContinueAsNewWorkflowExecutionDecisionAttributes.fromPartial(
    region === undefined ? {} : { activeClusterSelectionPolicy: attribute(region) },
  ),
});

const signalExternal = (workflowId: string): Decision['attributes'] => ({
  $case: 'signalExternalWorkflowExecutionDecisionAttributes',
  value: SignalExternalWorkflowExecutionDecisionAttributes.fromPartial({
    domain: DOMAIN,
    workflowExecution: { workflowId },
    signalName: 'from afar',
  }),
});

const cancelExternal = (workflowId: string): Decision['attributes'] => ({
  $case: 'requestCancelExternalWorkflowExecutionDecisionAttributes',
  value: RequestCancelExternalWorkflowExecutionDecisionAttributes.fromPartial({
    domain: DOMAIN,
    workflowExecution: { workflowId },
  }),
});

group('an active-active domain', () => {
  test('shows in both regions where each attribute is active', async () => {
    const domain = await agreedDomain(servers);
    expect(domain.activeClusterName).toBe('region-a');
    expect(placesOf(domain)).toEqual({
      'region.eu': 'region-b 1',
      'region.home': 'region-a 0',
      'region.nordic': 'region-b 1',
      'region.us': 'region-a 0',
    });
  });

  test('runs workflows of two attributes in two regions at once, whichever region they are started in', async () => {
    // The second and the third go to the wrong region, which sends them on.
    const runs = {
      'in-us': await start(a, 'in-us', 'us'),
      'in-eu': await start(a, 'in-eu', 'eu'),
      'also-us': await start(b, 'also-us', 'us'),
      'also-eu': await start(b, 'also-eu', 'eu'),
      default: await start(b, 'default'),
    };
    // Nothing is to be had of them where they are not active.
    expect(await Promise.all([poll(a, 'in-eu', 3000), poll(b, 'also-us', 3000)])).toEqual([undefined, undefined]);
    for (const id of ['in-us', 'also-us', 'default']) await decide(a, id, complete);
    for (const id of ['in-eu', 'also-eu']) await decide(b, id, complete);
    const versions: Record<string, readonly number[]> = {};
    for (const [id, runId] of Object.entries(runs)) {
      versions[id] = versionsOf(await untilBothHave(servers, id, runId, 'workflowExecutionCompleted'));
    }
    expect(versions).toEqual({ 'in-us': [0], 'also-us': [0], default: [0], 'in-eu': [1], 'also-eu': [1] });
  });

  test('refuses a start with an attribute that the domain does not have', async () => {
    await expect(start(a, 'lost', 'mars')).rejects.toMatchObject({
      kind: 'BadRequest',
      message: "Cannot start workflow with a cluster attribute that is not found in the domain's metadata.",
    });
  });

  test('takes signals and requests for a run in either region, and lists it by its attribute', async () => {
    const runId = await start(b, 'signalled', 'eu');
    // The other region may not even have heard of it.
    await signal(a, 'signalled', 'from a');
    await signal(b, 'signalled', 'from b');
    const withStart = SignalWithStartWorkflowExecutionRequest.fromPartial({
      startRequest: startRequest('signalled', 'eu'),
      signalName: 'with start',
    });
    expect((await a.workflow.signalWithStartWorkflowExecution(withStart)).runId).toBe(runId);
    const events = await decide(b, 'signalled', complete);
    expect(events.filter((event) => kindOf(event) === 'workflowExecutionSignaled')).toHaveLength(3);
    await untilBothHave(servers, 'signalled', runId, 'workflowExecutionCompleted');
    const { workflowExecutionInfo } = await describe(a, 'signalled', runId);
    expect(workflowExecutionInfo?.activeClusterSelectionPolicy).toEqual(attribute('eu'));
  });

  test('keeps one open run of a workflow id, whatever attribute a second start names', async () => {
    await start(a, 'taken', 'us');
    await expect(start(a, 'taken', 'us')).rejects.toMatchObject({ kind: 'WorkflowExecutionAlreadyStarted' });
    await until('the other region knows it', async () => {
      const refused = await start(b, 'taken', 'eu').catch((error: unknown) => error);
      return (refused as { kind?: string }).kind === 'WorkflowExecutionAlreadyStarted';
    });
    await decide(a, 'taken', complete);
  });

  test('gives children, successors and resets the attribute of their run', async () => {
    const runId = await start(a, 'parent', 'eu');
    await decide(b, 'parent', child('child'));
    await decide(b, 'child', complete);
    const seen = await decide(b, 'parent', continueAsNew());
    expect(seen.map(kindOf)).toContain('childWorkflowExecutionStarted');
    await untilBothHave(servers, 'parent', runId, 'workflowExecutionContinuedAsNew');
    const successor = (await describe(b, 'parent')).workflowExecutionInfo;
    expect(successor?.activeClusterSelectionPolicy).toEqual(attribute('eu'));
    await decide(b, 'parent', complete);
    // Sent to the wrong region.
    const reset = await a.workflow.resetWorkflowExecution(
      ResetWorkflowExecutionRequest.fromPartial({
        domain: DOMAIN,
        workflowExecution: successor?.workflowExecution ?? {},
        reason: 'again',
        decisionFinishEventId: 4n,
        requestId: 'reset-1',
      }),
    );
    await decide(b, 'parent', complete);
    const events = await untilBothHave(servers, 'parent', reset.runId, 'workflowExecutionCompleted');
    expect(versionsOf(events)).toEqual([1]);
    const again = (await describe(a, 'parent', reset.runId)).workflowExecutionInfo;
    expect(again?.activeClusterSelectionPolicy).toEqual(attribute('eu'));
  });

  test('fails the decision that would move a successor to another attribute', async () => {
    const runId = await start(a, 'mover', 'us');
    await decide(a, 'mover', continueAsNew('eu'));
    const events = await eventsIn(a, 'mover', runId);
    const failed = events.find((event) => kindOf(event) === 'decisionTaskFailed')?.attributes;
    expect(failed).toMatchObject({
      value: { cause: DecisionTaskFailedCause.DECISION_TASK_FAILED_CAUSE_BAD_CONTINUE_AS_NEW_ATTRIBUTES },
    });
    await decide(a, 'mover', complete);
  });

  test('lets a workflow signal and cancel one that is active in the other region', async () => {
    const target = await start(a, 'far', 'eu');
    const sender = await start(a, 'near', 'us');
    await decide(a, 'near', signalExternal('far'), cancelExternal('far'));
    await until('both were answered', async () => {
      const kinds = (await eventsIn(a, 'near', sender)).map(kindOf);
      return (
        kinds.includes('externalWorkflowExecutionSignaled') &&
        kinds.includes('externalWorkflowExecutionCancelRequested')
      );
    });
    const seen = (await decide(b, 'far', complete)).map(kindOf);
    expect(seen).toEqual(expect.arrayContaining(['workflowExecutionSignaled', 'workflowExecutionCancelRequested']));
    await decide(a, 'near', signalExternal('nobody'));
    const events = await until('nobody has that one', async () => {
      const found = await eventsIn(a, 'near', sender);
      return found.map(kindOf).includes('signalExternalWorkflowExecutionFailed') && found;
    });
    expect(versionsOf(events)).toEqual([0]);
    await decide(a, 'near', complete);
    await untilBothHave(servers, 'far', target, 'workflowExecutionCompleted');
    await untilBothHave(servers, 'near', sender, 'workflowExecutionCompleted');
  });

  test('refuses to go back to an attribute of a lower version under one workflow id', async () => {
    const first = await start(a, 'reused', 'us');
    await decide(a, 'reused', complete);
    await untilBothHave(servers, 'reused', first, 'workflowExecutionCompleted');
    const second = await start(a, 'reused', 'eu');
    await decide(b, 'reused', complete);
    await untilBothHave(servers, 'reused', second, 'workflowExecutionCompleted');
    await expect(start(b, 'reused', 'us')).rejects.toMatchObject({
      kind: 'BadRequest',
      message: expect.stringContaining('Workflow ID reused was last used with another cluster attribute'),
    });
  });

  test('shows a worker of another region where a run is active when it may not answer', async () => {
    const runId = await start(b, 'asked', 'eu');
    await untilBothHave(servers, 'asked', runId, 'decisionTaskScheduled');
    const task = await poll(b, 'asked');
    const answer = RespondDecisionTaskCompletedRequest.fromPartial({ taskToken: task?.taskToken ?? Buffer.alloc(0) });
    await expect(a.worker.respondDecisionTaskCompleted(answer)).rejects.toMatchObject({
      kind: 'DomainNotActive',
      activeCluster: 'region-b',
      activeClusters: ['region-a', 'region-b'],
    });
    await b.worker.respondDecisionTaskCompleted(answer);
    await b.workflow.terminateWorkflowExecution(
      TerminateWorkflowExecutionRequest.fromPartial({ domain: DOMAIN, workflowExecution: { workflowId: 'asked' } }),
    );
  });

  test('moves only the runs of the attribute that fails over, and they complete in their new region', async () => {
    const moved = await start(b, 'moved', 'eu');
    const stayed = await start(b, 'stayed', 'nordic');
    const other = await start(a, 'other', 'us');
    await untilBothHave(servers, 'moved', moved, 'decisionTaskScheduled');
    await untilBothHave(servers, 'stayed', stayed, 'decisionTaskScheduled');
    const { domain } = await failOver(a, { eu: 'region-a' });
    expect(placesOf(domain)).toMatchObject({ 'region.eu': 'region-a 100', 'region.nordic': 'region-b 1' });
    expect(domain?.activeClusterName).toBe('region-a');
    expect(Number(domain?.failoverVersion)).toBe(100);
    await decide(a, 'moved', complete);
    await decide(b, 'stayed', complete);
    await decide(a, 'other', complete);
    const events = await untilBothHave(servers, 'moved', moved, 'workflowExecutionCompleted');
    expect(versionsOf(events)).toEqual([1, 100]);
    expect(versionsOf(await untilBothHave(servers, 'stayed', stayed, 'workflowExecutionCompleted'))).toEqual([1]);
    expect(versionsOf(await untilBothHave(servers, 'other', other, 'workflowExecutionCompleted'))).toEqual([0]);
    await agreedDomain(servers);
    // The region that had it before has nothing left of it: its own task of the run is dropped when a worker asks.
    expect(await poll(b, 'moved', 3000)).toBeUndefined();
    const { taskListStatus } = await b.workflow.describeTaskList(
      DescribeTaskListRequest.fromPartial({
        domain: DOMAIN,
        taskList: { name: 'moved' },
        taskListType: TaskListType.TASK_LIST_TYPE_DECISION,
        includeTaskListStatus: true,
      }),
    );
    expect(Number(taskListStatus?.backlogCountHint)).toBe(0);
    // A start with it, sent to the region that had it before, goes to the new one.
    const later = await start(b, 'later', 'eu');
    await decide(a, 'later', complete);
    expect(versionsOf(await untilBothHave(servers, 'later', later, 'workflowExecutionCompleted'))).toEqual([100]);
  });

  test('keeps the history of an attribute that failed over', async () => {
    const domain = await agreedDomain(servers);
    const { failoverEvents } = await b.domain.listFailoverHistory(
      ListFailoverHistoryRequest.fromPartial({ filters: { domainId: domain.id } }),
    );
    expect(failoverEvents[0]?.clusterFailovers).toEqual([
      {
        fromCluster: { activeClusterName: 'region-b', failoverVersion: 1n },
        toCluster: { activeClusterName: 'region-a', failoverVersion: 100n },
        clusterAttribute: { scope: 'region', name: 'eu' },
      },
    ]);
  });

  test('refuses a graceful failover, unknown clusters, and a local domain with attributes', async () => {
    const failover = (fields: object) =>
      a.domain.failoverDomain(FailoverDomainRequest.fromPartial({ domainName: DOMAIN, ...fields }));
    await expect(
      failover({ domainActiveClusterName: 'region-b', failoverTimeout: { seconds: 10n } }),
    ).rejects.toMatchObject({
      kind: 'BadRequest',
      message: 'Cannot start graceful failover without updating active cluster or in local domain.',
    });
    await expect(
      failover({ activeClusters: regionAttributes({ eu: 'region-z' as 'region-a' }) }),
    ).rejects.toMatchObject({ kind: 'BadRequest', message: 'Invalid active cluster name: region-z' });
    const local = RegisterDomainRequest.fromPartial({
      name: 'local-one',
      activeClusters: regionAttributes({ eu: 'region-a' }),
      workflowExecutionRetentionPeriod: { seconds: 86_400n },
    });
    await expect(a.domain.registerDomain(local)).rejects.toMatchObject({
      kind: 'BadRequest',
      message: 'A local domain cannot have ActiveClusters.',
    });
  });
});
