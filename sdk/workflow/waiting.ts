// Timers and conditions. A timer is durable: it is kept by the service in whole seconds (rounded up) and survives any crash.
import { type Duration, durationToMs, durationToSeconds, TimeoutFailure } from '../common/index.ts';
import { CancellationScope } from './cancellation-scope.ts';
import { currentRun } from './current-run.ts';
import { callAndWait, handled } from './pending-call.ts';
import { captureStack } from './workflow-run.ts';

/** Waits durably. Cancelled with its scope. A duration of zero does not wait at all. */
export function sleep(duration: Duration): Promise<void> {
  const seconds = durationToSeconds(duration);
  if (durationToMs(duration) === 0) {
    const scope = CancellationScope.current();
    return scope.isCancelled ? handled(scope.cancelRequested) : Promise.resolve();
  }
  return callAndWait<void>(
    {
      what: `timer of ${seconds} s`,
      command: (id) => ({ kind: 'startTimer', id, seconds }),
      cancelCommand: (id) => ({ kind: 'cancelTimer', id }),
      decode: () => undefined,
      toError: () => new TimeoutFailure('SCHEDULE_TO_CLOSE'),
    },
    sleep,
  );
}

function waitUntil(test: () => boolean): Promise<void> {
  const run = currentRun();
  const scope = CancellationScope.current();
  return new Promise<void>((resolve, reject) => {
    const detach = scope.onCancel((failure) => {
      run.conditions.delete(pending);
      reject(failure);
    });
    const settle = (finish: () => void) => {
      detach();
      finish();
    };
    const pending = {
      test,
      at: captureStack(condition),
      resolve: () => settle(resolve),
      reject: (error: unknown) => settle(() => reject(error)),
    };
    run.conditions.add(pending);
  });
}

/** Waits until the test is true. It is evaluated after every activation, so it must be cheap and without side effects. */
export function condition(test: () => boolean): Promise<void>;
/** With a timeout: true when the test became true, false when the time was up first. */
export function condition(test: () => boolean, timeout: Duration): Promise<boolean>;
export function condition(test: () => boolean, timeout?: Duration): Promise<unknown> {
  const scope = CancellationScope.current();
  if (scope.isCancelled) return handled(scope.cancelRequested);
  if (test()) return Promise.resolve(true);
  if (timeout === undefined) return handled(waitUntil(test));
  if (durationToMs(timeout) === 0) return Promise.resolve(false);
  const race = new CancellationScope({ cancellable: true });
  const result = race.run(async () => {
    try {
      // What made the test true may have come together with the end of the time; then it counts.
      return await Promise.race([waitUntil(test).then(() => true), sleep(timeout).then(() => test())]);
    } finally {
      race.cancel('the other side of the wait won');
    }
  });
  return handled(result);
}
