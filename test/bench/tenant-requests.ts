// The noisy tenant's domain and its starts, for the process that makes them and the one that registers the domain.
import { randomUUID } from 'node:crypto';
import { StartWorkflowExecutionRequest } from '@antiphon/proto';

export const NOISY_DOMAIN = 'noisy';

const seconds = (value: number) => ({ seconds: BigInt(value), nanos: 0 });

export const encodedStart = (workflowId: string): Uint8Array =>
  StartWorkflowExecutionRequest.encode(
    StartWorkflowExecutionRequest.fromPartial({
      domain: NOISY_DOMAIN,
      workflowId,
      workflowType: { name: 'noise' },
      taskList: { name: 'noise', kind: 1 },
      executionStartToCloseTimeout: seconds(3600),
      taskStartToCloseTimeout: seconds(10),
      requestId: randomUUID(),
    }),
  ).finish();
