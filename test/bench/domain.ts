// The domain of the bench and the requests that its scenarios send to it.
import { randomUUID } from 'node:crypto';
import {
  RegisterDomainRequest,
  SignalWorkflowExecutionRequest,
  StartWorkflowExecutionRequest,
  TerminateWorkflowExecutionRequest,
} from '@antiphon/proto';
import { type Api, call } from './api.ts';

export const DOMAIN = 'bench';
const READY_MS = 60_000;
const POLL_MS = 200;

const duration = (value: number) => ({ seconds: BigInt(value), nanos: 0 });

export const startRequest = (workflowId: string, taskList: string): StartWorkflowExecutionRequest =>
  StartWorkflowExecutionRequest.fromPartial({
    domain: DOMAIN,
    workflowId,
    workflowType: { name: 'bench' },
    taskList: { name: taskList, kind: 1 },
    executionStartToCloseTimeout: duration(36_000),
    taskStartToCloseTimeout: duration(10),
    identity: 'bench',
    requestId: randomUUID(),
  });

export const signalRequest = (workflowId: string): SignalWorkflowExecutionRequest =>
  SignalWorkflowExecutionRequest.fromPartial({
    domain: DOMAIN,
    workflowExecution: { workflowId },
    signalName: 'tick',
    identity: 'bench',
    requestId: randomUUID(),
  });

/** Registers the domain through the first, and waits until each of them takes starts in it: other hosts' caches hear of it later. */
export async function prepareDomain(...apis: readonly Api[]): Promise<void> {
  const [first] = apis as [Api];
  await call(
    first.domain,
    'registerDomain',
    RegisterDomainRequest.fromPartial({ name: DOMAIN, workflowExecutionRetentionPeriod: duration(86_400) }),
  );
  for (const api of apis) await untilReady(api);
}

async function untilReady(api: Api): Promise<void> {
  const workflowId = `ready-${randomUUID()}`;
  for (const until = Date.now() + READY_MS; ; ) {
    try {
      await call(api.workflow, 'startWorkflowExecution', startRequest(workflowId, 'nobody'));
      break;
    } catch (error) {
      if (Date.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
  const end = TerminateWorkflowExecutionRequest.fromPartial({ domain: DOMAIN, workflowExecution: { workflowId } });
  await call(api.workflow, 'terminateWorkflowExecution', end);
}
