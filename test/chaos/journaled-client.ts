// A client that writes down each call and its answer, and retries what had none with the same request id, as SDKs do. Of several hosts it takes the next
// one then, as a load balancer would.
import { randomUUID } from 'node:crypto';
import {
  SignalWorkflowExecutionRequest,
  StartWorkflowExecutionRequest,
  type StartWorkflowExecutionResponse,
} from '@antiphon/proto';
import { type ServiceError, status } from '@grpc/grpc-js';
import { type Api, call, openApi } from '../bench/api.ts';
import type { Journal, JournalEntry } from '../support/checkers/index.ts';

// Answers that say for certain that nothing was done.
const REFUSALS = new Set([
  status.INVALID_ARGUMENT,
  status.NOT_FOUND,
  status.ALREADY_EXISTS,
  status.FAILED_PRECONDITION,
  status.PERMISSION_DENIED,
]);
const CALL_TIMEOUT_MS = 3_000;
const duration = (value: number) => ({ seconds: BigInt(value), nanos: 0 });

export interface JournaledClient {
  start(workflowId: string, options: { type: string; taskList: string; input: unknown }): Promise<boolean>;
  signal(workflowId: string, signalName: string): Promise<boolean>;
  /** Points at another address; open calls end as they may. */
  moveTo(address: string): void;
  close(): void;
}

export function createJournaledClient(options: {
  journal: Journal;
  /** The first is asked first. */
  addresses: readonly string[];
  domain: string;
  attempts: number;
  callTimeoutMs?: number | undefined;
}): JournaledClient {
  const { journal, domain, callTimeoutMs = CALL_TIMEOUT_MS } = options;
  let apis: readonly Api[] = options.addresses.map((address) => openApi(address));
  let turn = 0;
  const current = (): Api => apis[turn % apis.length] as Api;
  const attempt = async (
    entry: Omit<JournalEntry, 'outcome'>,
    work: () => Promise<string | undefined>,
  ): Promise<boolean> => {
    for (let tries = 0; tries < options.attempts; tries++) {
      const record = journal.begin(entry);
      try {
        record.runId = await work();
        record.outcome = 'acknowledged';
        return true;
      } catch (error) {
        const { code, details } = error as ServiceError;
        record.detail = `${status[code] ?? code}: ${details}`;
        if (REFUSALS.has(code)) {
          record.outcome = 'refused';
          return false;
        }
        turn++;
        await new Promise((resolve) => setTimeout(resolve, 100 + Math.random() * 200));
      }
    }
    return false;
  };
  return {
    start(workflowId, { type, taskList, input }) {
      const requestId = randomUUID();
      const request = StartWorkflowExecutionRequest.fromPartial({
        domain,
        workflowId,
        workflowType: { name: type },
        taskList: { name: taskList },
        input: { data: Buffer.from(`${JSON.stringify(input)}\n`) },
        executionStartToCloseTimeout: duration(3600),
        taskStartToCloseTimeout: duration(5),
        identity: 'chaos',
        requestId,
      });
      return attempt({ operation: 'start', workflowId, requestId }, async () => {
        const response = await call<StartWorkflowExecutionResponse>(
          current().workflow,
          'startWorkflowExecution',
          request,
          callTimeoutMs,
        );
        return response.runId;
      });
    },
    signal(workflowId, signalName) {
      const requestId = randomUUID();
      const request = SignalWorkflowExecutionRequest.fromPartial({
        domain,
        workflowExecution: { workflowId },
        signalName,
        signalInput: { data: Buffer.from(`${JSON.stringify(requestId)}\n`) },
        identity: 'chaos',
        requestId,
      });
      return attempt({ operation: 'signal', workflowId, requestId, signalName }, async () => {
        await call(current().workflow, 'signalWorkflowExecution', request, callTimeoutMs);
        return undefined;
      });
    },
    moveTo(address) {
      const old = apis;
      apis = [openApi(address)];
      for (const api of old) api.close();
    },
    close: () => {
      for (const api of apis) api.close();
    },
  };
}
