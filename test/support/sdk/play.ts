// Plays one workflow against a hand-driven history. Each decision is taken twice: by the state kept since the last one (as on
// a sticky list) and by a replay of everything; both must decide the same, so every test of the engine is a replay test too.
import type { Decision } from '@antiphon/proto';
import { decodeValues } from '@antiphon/sdk/common';
import type { WorkflowBundle } from '@antiphon/sdk/worker';
import { expect } from 'vitest';
import { toSandbox } from '../../../sdk/transport/index.ts';
import { splitIntoBatches } from '../../../sdk/worker/history-batches.ts';
import { createSandbox, type Sandbox } from '../../../sdk/worker/sandbox-host.ts';
import { createWorkflowEngine, type WorkflowEngine } from '../../../sdk/worker/workflow-engine.ts';
import type { LogRecord } from '../../../sdk/workflow/protocol.ts';
import { createHistory, type History, payload } from './history.ts';

export interface Play {
  readonly history: History;
  readonly logs: LogRecord[];
  /** Takes a decision on everything that happened since the last one. */
  decide(): Decision[];
  /** As decide, in short words: `activity 0 charge`, `timer 1 5s`. */
  step(): string[];
  query(name: string, ...args: unknown[]): unknown;
  /** Forgets the kept state; the next decision starts from a replay. */
  evict(): void;
  readonly isClosed: boolean;
}

const identity = { domain: 'test', workflowId: 'wf', runId: 'run-1' };
const text = (data: Uint8Array | undefined): string => (data ? Buffer.from(data).toString() : '');

export function decodePayload(data: Uint8Array | undefined): unknown {
  return decodeValues(text(data))[0];
}

/** A decision in a few words. */
export function inWords({ attributes }: Decision): string {
  switch (attributes?.$case) {
    case 'scheduleActivityTaskDecisionAttributes': {
      const args = decodeValues(text(attributes.value.input?.data));
      const { activityId, activityType } = attributes.value;
      return ['activity', activityId, activityType?.name, ...args.map((arg) => JSON.stringify(arg))].join(' ');
    }
    case 'requestCancelActivityTaskDecisionAttributes':
      return `cancel activity ${attributes.value.activityId}`;
    case 'startTimerDecisionAttributes':
      return `timer ${attributes.value.timerId} ${attributes.value.startToFireTimeout?.seconds}s`;
    case 'cancelTimerDecisionAttributes':
      return `cancel timer ${attributes.value.timerId}`;
    case 'startChildWorkflowExecutionDecisionAttributes':
      return `child ${attributes.value.workflowType?.name} ${attributes.value.workflowId}`;
    case 'requestCancelExternalWorkflowExecutionDecisionAttributes':
      return `cancel workflow ${attributes.value.workflowExecution?.workflowId}`;
    case 'signalExternalWorkflowExecutionDecisionAttributes':
      return `signal ${attributes.value.signalName} to ${attributes.value.workflowExecution?.workflowId}`;
    case 'recordMarkerDecisionAttributes':
      return `marker ${attributes.value.markerName} ${text(attributes.value.details?.data).trim().replaceAll('\n', ' ')}`;
    case 'upsertWorkflowSearchAttributesDecisionAttributes':
      return `upsert ${Object.keys(attributes.value.searchAttributes?.indexedFields ?? {}).join()}`;
    case 'completeWorkflowExecutionDecisionAttributes':
      return `complete ${JSON.stringify(decodePayload(attributes.value.result?.data))}`;
    case 'failWorkflowExecutionDecisionAttributes':
      return `fail ${attributes.value.failure?.reason}`;
    case 'cancelWorkflowExecutionDecisionAttributes':
      return 'cancel';
    case 'continueAsNewWorkflowExecutionDecisionAttributes':
      return `continue ${text(attributes.value.input?.data).trim()}`;
    default:
      return 'nothing';
  }
}

export function createPlay(bundle: WorkflowBundle, workflowType: string, ...args: unknown[]): Play {
  const logs: LogRecord[] = [];
  const sandbox: Sandbox = createSandbox({ bundle, onLog: (record) => logs.push(record), watchdogMs: 2000 });
  const history = createHistory(workflowType, args);
  let live: WorkflowEngine | undefined;
  let previousStarted = 0;
  let replays = 0;

  const replay = (key: string): { engine: WorkflowEngine; decisions: Decision[] } => {
    const engine = createWorkflowEngine(sandbox, key, identity, history.events[0]);
    const decisions = sandbox.guard(() => engine.apply(splitIntoBatches(history.events), previousStarted));
    return { engine, decisions };
  };
  const decideLive = (): Decision[] => {
    if (!live) {
      const fresh = replay('live');
      live = fresh.engine;
      return fresh.decisions;
    }
    const engine = live;
    const since = history.events.slice(previousStarted);
    return sandbox.guard(() => engine.apply(splitIntoBatches(since), previousStarted));
  };
  const decide = (): Decision[] => {
    history.nowMs += 1000;
    history.schedule();
    const started = history.start();
    const decisions = decideLive();
    const logCount = logs.length;
    const second = replay(`replay-${++replays}`);
    logs.length = logCount;
    expect(second.decisions).toEqual(decisions);
    second.engine.dispose();
    previousStarted = started;
    history.complete(decisions);
    return decisions;
  };
  return {
    history,
    logs,
    decide,
    step: () => decide().map(inWords),
    query: (name, ...values) => {
      const outcome = live?.query(name, toSandbox(payload(...values)));
      if (!outcome) throw new Error('nothing was decided yet');
      if (!outcome.ok) throw new Error(outcome.message);
      return typeof outcome.result === 'string' ? decodeValues(outcome.result)[0] : undefined;
    },
    evict: () => {
      live?.dispose();
      live = undefined;
    },
    get isClosed() {
      return live?.isClosed ?? false;
    },
  };
}
