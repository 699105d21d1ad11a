import { HistoryEvent, WorkflowExecutionAlreadyStartedError } from '@antiphon/proto';
import { Status } from '@antiphon/proto/google';
import {
  CancelledFailure,
  connect,
  createClient,
  TerminatedFailure,
  TimeoutFailure,
  WorkflowFailedError,
} from '@antiphon/sdk/client';
import { defineQuery, defineSignal } from '@antiphon/sdk/common';
import { describe, expect, test } from 'vitest';
import { createRpcError, RpcError } from '../../../sdk/transport/index.ts';
import { failure, payload } from '../../support/sdk/history.ts';
import { createScriptedTransport, type Script } from '../../support/sdk/scripted-transport.ts';

async function order(_amount: number): Promise<string> {
  return '';
}
const options = { taskList: 'tl', executionTimeout: '1m', workflowId: 'wf', args: [5] } as const;
const text = (data: Uint8Array | undefined): string => Buffer.from(data ?? []).toString();

function stage(script: Script) {
  const transport = createScriptedTransport(script);
  return { transport, client: createClient({ connection: connect({ transport }), domain: 'd', identity: 'me' }) };
}
type Attributes = NonNullable<HistoryEvent['attributes']>;
// biome-ignore lint/suspicious/noExplicitAny: part of any message; fromPartial supplies the rest.
const closing = ($case: Attributes['$case'], value: any) => ({
  history: { events: [HistoryEvent.fromPartial({ attributes: { $case, value } as never })] },
  rawHistory: [],
  nextPageToken: Buffer.alloc(0),
  archived: false,
});

describe('starting a workflow', () => {
  test('sends what the options say', async () => {
    const { client, transport } = stage({ StartWorkflowExecution: () => ({ runId: 'r' }) });
    const handle = await client.workflow.start(order, {
      ...options,
      executionTimeout: 1500,
      retry: { maximumAttempts: 2 },
      memo: { note: 'x' },
      searchAttributes: { CustomKeywordField: 'k' },
      cronSchedule: '@every 1h',
    });
    expect(handle.workflowId).toBe('wf');
    const [request] = transport.requestsTo('StartWorkflowExecution');
    expect(request).toMatchObject({
      domain: 'd',
      identity: 'me',
      cronSchedule: '@every 1h',
      workflowType: { name: 'order' },
    });
    expect(text(request.input.data)).toBe('5\n');
    expect(Number(request.executionStartToCloseTimeout.seconds)).toBe(2);
    expect(Number(request.taskStartToCloseTimeout.seconds)).toBe(10);
    expect(request.retryPolicy.nonRetryableErrorReasons).toEqual(['cadence:NonRetryable']);
    expect(text(request.memo.fields.note.data)).toBe('"x"\n');
    expect(text(request.searchAttributes.indexedFields.CustomKeywordField.data)).toBe('"k"');
    expect(request.requestId).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('repeats a start with the same request id until the service answers', async () => {
    let attempts = 0;
    const { client, transport } = stage({
      StartWorkflowExecution: () => {
        if (attempts++ < 2) throw new RpcError('Unavailable', 'not yet', 14);
        return { runId: 'r' };
      },
    });
    await client.workflow.start(order, options);
    const ids = transport.requestsTo('StartWorkflowExecution').map(({ requestId }) => requestId as string);
    expect(ids.length).toBe(3);
    expect(new Set(ids).size).toBe(1);
  });

  test('does not repeat what cannot succeed', async () => {
    const refuse = (): never => {
      throw new RpcError('BadRequest', 'no', 3);
    };
    const { client, transport } = stage({ StartWorkflowExecution: refuse });
    await expect(client.workflow.start(order, options)).rejects.toThrow('no');
    expect(transport.requestsTo('StartWorkflowExecution').length).toBe(1);
  });

  test('attaches to the run when execute finds it started', async () => {
    const { client, transport } = stage({
      StartWorkflowExecution: () => {
        throw new RpcError('WorkflowExecutionAlreadyStarted', 'again', 6, { runId: 'older' });
      },
      GetWorkflowExecutionHistory: () =>
        closing('workflowExecutionCompletedEventAttributes', { result: payload('old') }),
    });
    expect(await client.workflow.execute(order, options)).toBe('old');
    expect(transport.requestsTo('GetWorkflowExecutionHistory')[0].workflowExecution.runId).toBe('older');
  });
});

describe('the result', () => {
  const resultOf = async (...pages: unknown[]): Promise<unknown> => {
    const { client } = stage({
      GetWorkflowExecutionHistory: () => {
        const page = pages.shift();
        if (page instanceof Error) throw page;
        return page;
      },
    });
    return client.workflow.handle('wf', 'r1').result();
  };

  test('is waited for through long polls that bring nothing', async () => {
    const empty = { history: { events: [] }, rawHistory: [], nextPageToken: Buffer.from('t'), archived: false };
    const end = closing('workflowExecutionCompletedEventAttributes', { result: payload({ a: 1 }) });
    expect(await resultOf(empty, empty, end)).toEqual({ a: 1 });
  });

  test('is that of the last run of a chain', async () => {
    const next = closing('workflowExecutionContinuedAsNewEventAttributes', { newExecutionRunId: 'r2' });
    expect(await resultOf(next, closing('workflowExecutionCompletedEventAttributes', {}))).toBeUndefined();
  });

  test.each<[string, ReturnType<typeof closing>, unknown]>([
    [
      'failed',
      closing('workflowExecutionFailedEventAttributes', { failure: failure('Refused') }),
      expect.objectContaining({ type: 'Refused' }),
    ],
    ['timed out', closing('workflowExecutionTimedOutEventAttributes', { timeoutType: 1 }), expect.any(TimeoutFailure)],
    ['canceled', closing('workflowExecutionCanceledEventAttributes', {}), expect.any(CancelledFailure)],
    [
      'terminated',
      closing('workflowExecutionTerminatedEventAttributes', { reason: 'x' }),
      expect.any(TerminatedFailure),
    ],
  ])('of a workflow that %s is an error that says so', async (_, page, cause) => {
    const error = await resultOf(page).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(WorkflowFailedError);
    expect((error as WorkflowFailedError).cause).toEqual(cause);
  });
});

describe('a handle', () => {
  test('signals and queries by definition or by name', async () => {
    const { client, transport } = stage({
      SignalWorkflowExecution: () => ({}),
      QueryWorkflow: () => ({ queryResult: payload(7), queryRejected: undefined }),
    });
    const handle = client.workflow.handle('wf');
    await handle.signal(defineSignal<[string]>('note'), 'a');
    await handle.signal('other', 1, 2);
    expect(await handle.query(defineQuery<number>('count'))).toBe(7);
    const signals = transport.requestsTo('SignalWorkflowExecution');
    expect(signals.map(({ signalName, signalInput }) => [signalName, text(signalInput.data)])).toEqual([
      ['note', '"a"\n'],
      ['other', '1\n2\n'],
    ]);
  });
});

describe('errors of the service', () => {
  test('are told apart by their detail message, then by their code', () => {
    const value = WorkflowExecutionAlreadyStartedError.encode({ startRequestId: 's', runId: 'r' }).finish();
    const typeUrl = 'type.googleapis.com/uber.cadence.api.v1.WorkflowExecutionAlreadyStartedError';
    const details = Status.encode({
      code: 6,
      message: 'm',
      details: [{ typeUrl, value: Buffer.from(value) }],
    }).finish();
    const error = createRpcError(6, 'm', details);
    expect(error).toMatchObject({
      kind: 'WorkflowExecutionAlreadyStarted',
      details: { runId: 'r' },
      isRetryable: false,
    });
    expect(createRpcError(3, 'm', undefined)).toMatchObject({ kind: 'BadRequest', isRetryable: false });
    expect(createRpcError(8, 'm', undefined)).toMatchObject({ kind: 'ServiceBusy', isRetryable: true });
    expect(createRpcError(14, 'm', undefined)).toMatchObject({ kind: 'Unavailable', isRetryable: true });
    expect(createRpcError(2, 'm', undefined)).toMatchObject({ kind: 'Unknown', isRetryable: true });
  });
});
