// When a region serves again after a fault. A probe signals a workflow that does not exist: the refusal is given out only after a commit of the id's shard,
// so it says that the shard has an owner who may write, and it changes nothing. Thirty-two ids meet every one of a few shards.
import { randomUUID } from 'node:crypto';
import { SignalWorkflowExecutionRequest } from '@antiphon/proto';
import { type ServiceError, status } from '@grpc/grpc-js';
import { type Api, call, openApi } from '../bench/api.ts';

const PROBES = 32;
const PROBE_TIMEOUT_MS = 1_000;
const PAUSE_MS = 50;

export interface Prober {
  /** Milliseconds from `sinceMs` (of performance.now) until every probe was answered once, through all hosts but `except`, which share the probes. */
  untilServed(sinceMs: number, except?: number): Promise<number>;
  /** The status of one answer, as a client with this deadline sees it. */
  statusWithin(timeoutMs: number): Promise<string>;
  close(): void;
}

export function createProber(options: {
  readonly addresses: readonly string[];
  readonly domain: string;
  readonly giveUpMs: number;
}): Prober {
  const apis = options.addresses.map((address) => openApi(address));
  const ids = Array.from({ length: PROBES }, (_, index) => `probe-${index}-${randomUUID()}`);
  const probe = async (api: Api, workflowId: string, timeoutMs: number): Promise<ServiceError['code']> => {
    const request = SignalWorkflowExecutionRequest.fromPartial({
      domain: options.domain,
      workflowExecution: { workflowId },
      signalName: 'probe',
      requestId: randomUUID(),
    });
    try {
      await call(api.workflow, 'signalWorkflowExecution', request, timeoutMs);
      return status.OK;
    } catch (error) {
      return (error as ServiceError).code;
    }
  };
  return {
    untilServed: async (sinceMs, except) => {
      const hosts = apis.filter((_, index) => index !== except);
      const untilAnswered = async (workflowId: string, index: number): Promise<void> => {
        while ((await probe(hosts[index % hosts.length] as Api, workflowId, PROBE_TIMEOUT_MS)) !== status.NOT_FOUND) {
          if (performance.now() - sinceMs > options.giveUpMs)
            throw new Error(`${workflowId} is not served ${options.giveUpMs} ms after the fault`);
          await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
        }
      };
      await Promise.all(ids.map(untilAnswered));
      return performance.now() - sinceMs;
    },
    statusWithin: async (timeoutMs) => {
      const index = Math.floor(Math.random() * PROBES);
      const code = await probe(apis[index % apis.length] as Api, ids[index] as string, timeoutMs);
      return status[code] ?? String(code);
    },
    close: () => {
      for (const api of apis) api.close();
    },
  };
}
