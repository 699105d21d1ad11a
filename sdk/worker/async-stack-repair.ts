// Terminating code in the middle of a microtask skips the hook by which Node leaves that microtask's async context, whenever
// AsyncLocalStorage is in use. Node 20 and 22 check the balance when the event loop's callback ends, and abort the process.
// What Node itself does after a caught uncaught exception, emptying the stack of async contexts, puts it right; the only way
// to that code from JavaScript is the handler of uncaught exceptions, called with a capture callback that takes the error.
// Invariant: nothing happens when the stack is balanced. `test/unit/sdk/sandbox.test.ts` dies without this.
import { executionAsyncId } from 'node:async_hooks';

interface FatalExceptionHandler {
  _fatalException?: (error: Error, fromPromise: boolean) => boolean;
}

/** Remembers the async context; the returned function restores the balance after code was terminated. */
export function watchAsyncStack(): () => void {
  const before = executionAsyncId();
  return () => {
    const { _fatalException: clearStack } = process as FatalExceptionHandler;
    if (executionAsyncId() === before || !clearStack || process.hasUncaughtExceptionCaptureCallback()) return;
    process.setUncaughtExceptionCaptureCallback(() => undefined);
    try {
      clearStack.call(process, new Error('workflow code was terminated'), false);
    } finally {
      process.setUncaughtExceptionCaptureCallback(null);
    }
  };
}
