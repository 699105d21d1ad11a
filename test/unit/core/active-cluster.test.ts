// Runs of an active-active domain (semantics §5.9): each is written with the version of its cluster attribute, and keeps the attribute through
// its children and successors.
import { DecisionTaskFailedCause as Cause } from '@antiphon/proto';
import { describe, expect, it } from 'vitest';
import { DomainNotActiveError, EntityNotExistsError } from '#base';
import { clustersAfter, type DomainView, domainOfRun, failoverLevel, notActive } from '#core';
import { GLOBAL_DOMAIN, startRequest, TestRun, World } from './engine-fixture.ts';

const EU = { clusterAttribute: { scope: 'region', name: 'eu' } };
const US = { clusterAttribute: { scope: 'region', name: 'us' } };

const inA: DomainView = { ...GLOBAL_DOMAIN, activeCluster: 'a', failoverVersion: 31, isActiveHere: true };
const inB: DomainView = { ...GLOBAL_DOMAIN, activeCluster: 'b', failoverVersion: 12, isActiveHere: false };
const DOMAIN: DomainView = {
  ...GLOBAL_DOMAIN,
  activeCluster: 'a',
  failoverVersion: 21,
  isActiveHere: true,
  activeClusters: ['a', 'b'],
  byAttribute: new Map([
    [
      'region',
      new Map([
        ['us', inA],
        ['eu', inB],
      ]),
    ],
  ]),
};

function startIn(policy: typeof EU | undefined): TestRun {
  const world = new World(domainOfRun(DOMAIN, policy));
  return TestRun.start(world, { request: startRequest({ activeClusterSelectionPolicy: policy }) });
}

const child = (policy?: typeof EU) =>
  ({
    $case: 'startChildWorkflowExecutionDecisionAttributes',
    value: {
      domain: '',
      workflowId: 'child',
      workflowType: { name: 'Child' },
      parentClosePolicy: 0,
      control: new Uint8Array(0),
      workflowIdReusePolicy: 0,
      cronSchedule: '',
      cronOverlapPolicy: 0,
      ...(policy === undefined ? {} : { activeClusterSelectionPolicy: policy }),
    },
  }) as const;

const continueAsNew = (policy?: typeof EU) =>
  ({
    $case: 'continueAsNewWorkflowExecutionDecisionAttributes',
    value: {
      initiator: 0,
      cronSchedule: '',
      cronOverlapPolicy: 0,
      ...(policy === undefined ? {} : { activeClusterSelectionPolicy: policy }),
    },
  }) as const;

describe('a run with a cluster attribute', () => {
  it('is written with the version of the attribute, and one without with that of the domain', () => {
    expect(startIn(US).history.map(({ version }) => Number(version))).toEqual([31, 31]);
    expect(startIn(undefined).history.map(({ version }) => Number(version))).toEqual([21, 21]);
  });

  it('gives the attribute to a child that names none', () => {
    const run = startIn(US);
    expect(run.step([child()]).failedCause).toBeUndefined();
    const initiated = run.history.find(
      ({ attributes }) => attributes?.$case === 'startChildWorkflowExecutionInitiatedEventAttributes',
    );
    expect(initiated?.attributes?.value).toMatchObject({ activeClusterSelectionPolicy: US });
  });

  it('gives it to the run that it continues as', () => {
    const run = startIn(US);
    run.step([continueAsNew()]);
    expect(run.lastTransition?.newRun?.state.info.activeClusterSelectionPolicy).toEqual(US);
  });

  it('may name it, and no other', () => {
    expect(startIn(US).step([child(US)]).failedCause).toBeUndefined();
    expect(startIn(US).step([child(EU)]).failedCause).toBe(
      Cause.DECISION_TASK_FAILED_CAUSE_BAD_START_CHILD_EXECUTION_ATTRIBUTES,
    );
    expect(startIn(undefined).step([continueAsNew(US)]).failedCause).toBe(
      Cause.DECISION_TASK_FAILED_CAUSE_BAD_CONTINUE_AS_NEW_ATTRIBUTES,
    );
  });
});

describe('where a refused call may be made instead', () => {
  it('is the cluster that the refusal names, or each that may have a run which is not here', () => {
    expect(clustersAfter(notActive(inB, 'a'), DOMAIN, 'a')).toEqual(['b']);
    expect(clustersAfter(new EntityNotExistsError('no run'), DOMAIN, 'a')).toEqual(['b']);
  });

  it('is nowhere for other errors, for an unknown cluster, and in domains that are active in one cluster', () => {
    expect(clustersAfter(new Error('broken'), DOMAIN, 'a')).toEqual([]);
    expect(clustersAfter(new DomainNotActiveError('shop', 'a', ''), DOMAIN, 'a')).toEqual([]);
    expect(clustersAfter(notActive(inB, 'a'), GLOBAL_DOMAIN, 'a')).toEqual([]);
  });
});

describe('the level of failovers', () => {
  it('grows with each of them, and is the failover version where there are no attributes', () => {
    expect(failoverLevel(GLOBAL_DOMAIN)).toBe(GLOBAL_DOMAIN.failoverVersion);
    expect(failoverLevel(DOMAIN)).toBe(21 + 31 + 12);
  });
});
