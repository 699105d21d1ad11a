// Starts of orders, for tests that need some workflow: each has a task list of its own, so that no poll for another one takes its tasks.
import { randomUUID } from 'node:crypto';
import { StartWorkflowExecutionRequest } from '@antiphon/proto';

const seconds = (value: number) => ({ seconds: BigInt(value), nanos: 0 });

/** With time enough; `fields` go before what it has otherwise. */
export const orderStart = (
  domain: string,
  workflowId: string,
  fields: Partial<StartWorkflowExecutionRequest> = {},
): StartWorkflowExecutionRequest =>
  StartWorkflowExecutionRequest.fromPartial({
    domain,
    workflowId,
    workflowType: { name: 'Order' },
    taskList: { name: workflowId },
    requestId: randomUUID(),
    executionStartToCloseTimeout: seconds(600),
    taskStartToCloseTimeout: seconds(10),
    ...fields,
  });
