// Who hears that a caller is gone, and who does not.
import { Metadata } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import { createCallContext, createLocalContext, type IncomingCall } from '#rpc';

function incoming(cancelled = false): { readonly call: IncomingCall; cancel(): void } {
  const listeners: (() => unknown)[] = [];
  const call: IncomingCall = {
    metadata: new Metadata(),
    cancelled,
    getDeadline: () => Number.POSITIVE_INFINITY,
    getPeer: () => 'test',
    getAuthContext: () => ({}),
    on: (_event, listener) => listeners.push(listener),
  };
  return {
    call,
    cancel: () => {
      for (const listener of listeners) listener();
    },
  };
}

describe('a call over gRPC', () => {
  test('tells its listeners and its signal that the caller hung up', () => {
    const { call, cancel } = incoming();
    const context = createCallContext(call);
    let told = 0;
    context.onAbort(() => told++);
    const { signal } = context;
    expect([told, signal.aborted]).toEqual([0, false]);
    cancel();
    expect([told, signal.aborted]).toEqual([1, true]);
  });

  test('is not aborted by its end when it has been answered', () => {
    const { call, cancel } = incoming();
    const context = createCallContext(call);
    let told = 0;
    context.onAbort(() => told++);
    context.settle();
    cancel();
    expect([told, context.signal.aborted]).toEqual([0, false]);
  });

  test('whose caller had hung up before tells it at once', () => {
    const context = createCallContext(incoming(true).call);
    let told = 0;
    context.onAbort(() => told++);
    expect([told, context.signal.aborted]).toEqual([1, true]);
  });
});

describe('a call in this process', () => {
  test('tells those who still listen when its signal is aborted', () => {
    const controller = new AbortController();
    const context = createLocalContext({ signal: controller.signal });
    const told: string[] = [];
    context.onAbort(() => told.push('stays'));
    const forget = context.onAbort(() => told.push('left'));
    forget();
    controller.abort();
    context.onAbort(() => told.push('late'));
    expect(told).toEqual(['stays', 'late']);
  });
});
