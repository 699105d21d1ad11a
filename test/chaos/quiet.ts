// The end of a chaos run: no faults, no load; open runs get the signals they still wait for; then everything must come to rest.
import { randomUUID } from 'node:crypto';
import {
  CountWorkflowExecutionsRequest,
  type CountWorkflowExecutionsResponse,
  SignalWorkflowExecutionRequest,
} from '@antiphon/proto';
import { type ServiceError, status } from '@grpc/grpc-js';
import { type Api, call } from '../bench/api.ts';
import type { RegionSnapshot, Violation } from '../support/checkers/index.ts';
import { kindOf } from '../support/checkers/index.ts';
import { snapshotOf } from '../support/region-snapshot.ts';
import { SIGNALS_PER_RUN } from './load.ts';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function openCount(api: Api, domain: string): Promise<number> {
  const response = await call<CountWorkflowExecutionsResponse>(
    api.visibility,
    'countWorkflowExecutions',
    CountWorkflowExecutionsRequest.fromPartial({ domain, query: 'CloseTime = missing' }),
  );
  return Number(response.count);
}

/** Sends what is missing, outside of the journal, until all runs are closed or the time is over. */
export async function drain(api: Api, domain: string, workflowIds: Iterable<string>, timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  const snapshot = await snapshotOf(api, '', domain, workflowIds);
  for (const run of snapshot.runs.filter(({ isOpen }) => isOpen)) {
    const received = run.events.filter((event) => kindOf(event) === 'workflowExecutionSignaled').length;
    for (let index = received; index < SIGNALS_PER_RUN; index++) await signal(api, domain, run.workflowId);
  }
  while ((await openCount(api, domain)) > 0 && Date.now() < deadline) await pause(500);
}

async function signal(api: Api, domain: string, workflowId: string): Promise<void> {
  try {
    await call(
      api.workflow,
      'signalWorkflowExecution',
      SignalWorkflowExecutionRequest.fromPartial({
        domain,
        workflowExecution: { workflowId },
        signalName: 'tick',
        signalInput: { data: Buffer.from('"drain"\n') },
        requestId: randomUUID(),
      }),
    );
  } catch (error) {
    // It closed in the meantime.
    if ((error as ServiceError).code !== status.NOT_FOUND) throw error;
  }
}

export const stillOpen = (region: RegionSnapshot): Violation[] =>
  region.runs
    .filter((run) => run.isOpen)
    .map((run) => ({
      checker: 'no-lost-work',
      workflowId: run.workflowId,
      story: `${region.name}: run ${run.runId} never ended: ${run.events.map(kindOf).join(' ')}; pending ${JSON.stringify(run.pending)}`,
    }));
