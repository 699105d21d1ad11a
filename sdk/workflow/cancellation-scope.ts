// Cancellation as a tree of scopes. What is started in a scope is cancelled with it; a non-cancellable scope shields what it
// holds, for clean-up. The root scope of a run is cancelled by a cancel request from outside.
// Invariant: callbacks run synchronously in the order of registration, so that cancel commands have a deterministic order.
import { CancelledFailure, type Duration, durationToSeconds } from '../common/index.ts';
import { currentRun, hostBridge } from './current-run.ts';

interface ScopeOptions {
  readonly cancellable: boolean;
  readonly root?: boolean;
}

export class CancellationScope {
  readonly cancellable: boolean;
  /** Rejects with CancelledFailure when the scope is cancelled. */
  readonly cancelRequested: Promise<never>;
  readonly #callbacks = new Set<(failure: CancelledFailure) => void>();
  readonly #detach: () => void;
  #failure: CancelledFailure | undefined;
  #reject: (failure: CancelledFailure) => void = () => undefined;

  constructor(options: ScopeOptions = { cancellable: true }) {
    this.cancellable = options.cancellable;
    this.cancelRequested = new Promise<never>((_, reject) => {
      this.#reject = reject;
    });
    // Nobody needs to watch it; without this a cancelled scope would be an unhandled rejection.
    this.cancelRequested.catch(() => undefined);
    if (options.root || !options.cancellable) {
      this.#detach = () => undefined;
      return;
    }
    const parent = CancellationScope.current();
    this.#detach = parent.onCancel((failure) => this.#cancelWith(failure));
    if (parent.#failure) this.#cancelWith(parent.#failure);
  }

  /** The scope of the code that asks. */
  static current(): CancellationScope {
    return (hostBridge().currentScope() as CancellationScope | undefined) ?? currentRun().rootScope;
  }

  static cancellable<T>(body: () => Promise<T>): Promise<T> {
    return new CancellationScope({ cancellable: true }).run(body);
  }

  static nonCancellable<T>(body: () => Promise<T>): Promise<T> {
    return new CancellationScope({ cancellable: false }).run(body);
  }

  /** Cancels the body when it takes longer. */
  static withTimeout<T>(timeout: Duration, body: () => Promise<T>): Promise<T> {
    const scope = new CancellationScope({ cancellable: true });
    return scope.run(() => {
      const run = currentRun();
      const seconds = durationToSeconds(timeout);
      const id = run.nextId();
      let isDone = false;
      const stop = () => {
        if (isDone) return;
        isDone = true;
        if (run.pending.delete(id)) run.issue({ kind: 'cancelTimer', id });
      };
      run.pending.set(id, {
        what: `timeout of a scope (${seconds} s)`,
        at: {},
        resolve: () => scope.cancel(`timed out after ${seconds} s`),
        reject: () => undefined,
      });
      run.issue({ kind: 'startTimer', id, seconds });
      scope.onCancel(stop);
      const result = body();
      result.then(stop, stop);
      return result;
    });
  }

  /** Runs the body in this scope; everything it starts belongs to it. */
  run<T>(body: () => Promise<T>): Promise<T> {
    const result = hostBridge().runInScope(this, body);
    // The parent need not remember a scope whose body has ended.
    result.then(this.#detach, this.#detach);
    return result;
  }

  get isCancelled(): boolean {
    return this.#failure !== undefined;
  }

  cancel(reason = 'scope cancelled'): void {
    this.#cancelWith(new CancelledFailure(reason));
  }

  throwIfCancelled(): void {
    if (this.#failure) throw this.#failure;
  }

  /** Calls back once, on cancellation. Returns the function that takes the callback back. */
  onCancel(callback: (failure: CancelledFailure) => void): () => void {
    this.#callbacks.add(callback);
    return () => {
      this.#callbacks.delete(callback);
    };
  }

  #cancelWith(failure: CancelledFailure): void {
    if (this.#failure) return;
    this.#failure = failure;
    const callbacks = [...this.#callbacks];
    this.#callbacks.clear();
    for (const callback of callbacks) callback(failure);
    this.#reject(failure);
  }
}
