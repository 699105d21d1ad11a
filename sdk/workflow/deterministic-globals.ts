// Replaces what would differ between two executions of the same history: clock, random numbers, timers, console; removes what
// depends on garbage collection or threads; then locks the shared built-ins, so that no run can change them for another.
// Invariant: runs once per sandbox, after the SDK is loaded and before any workflow code.
import { CancelledFailure, isCancellation } from '../common/index.ts';
import { CancellationScope } from './cancellation-scope.ts';
import { currentRun, findCurrentRun } from './current-run.ts';
import { randomUuid } from './random.ts';
import { settleRun } from './settle-run.ts';
import { sleep } from './waiting.ts';
import { log } from './workflow-info.ts';

type Callback = (...args: unknown[]) => unknown;

const now = (): number => findCurrentRun()?.nowMs ?? 0;

function define(name: string, value: unknown): void {
  Object.defineProperty(globalThis, name, { value, writable: false, configurable: true, enumerable: false });
}

/** A Date that reads the run's clock, and is in every other way the built-in one. */
function createDate(RealDate: DateConstructor): DateConstructor {
  const proxy: DateConstructor = new Proxy(RealDate, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget === proxy ? target : newTarget),
    apply: (target) => new target(now()).toString(),
    get: (target, key, receiver) => (key === 'now' ? now : Reflect.get(target, key, receiver)),
  });
  Object.defineProperty(RealDate.prototype, 'constructor', { value: proxy, writable: true, configurable: true });
  return proxy;
}

/** Without an argument, Intl formats the real time; make it the run's. */
function patchIntl(): void {
  const { prototype } = Intl.DateTimeFormat;
  const format = Object.getOwnPropertyDescriptor(prototype, 'format');
  const { formatToParts } = prototype;
  Object.defineProperty(prototype, 'format', {
    ...format,
    get(this: Intl.DateTimeFormat) {
      const bound = format?.get?.call(this) as (date: number | Date) => string;
      return (date?: number | Date) => bound(date ?? now());
    },
  });
  Object.defineProperty(prototype, 'formatToParts', {
    value(this: Intl.DateTimeFormat, date?: number | Date) {
      return formatToParts.call(this, date ?? now());
    },
    writable: true,
    configurable: true,
  });
}

/** setTimeout on durable timers: seconds, rounded up. Zero is a microtask. */
function installTimers(): void {
  const timers = new Map<number, CancellationScope>();
  let nextTimer = 1;
  const start = (callback: Callback, ms: number, args: unknown[], repeats: boolean): number => {
    const handle = nextTimer++;
    const run = currentRun();
    const scope = new CancellationScope({ cancellable: true });
    timers.set(handle, scope);
    const body = async (): Promise<void> => {
      do {
        await sleep(Math.max(repeats ? 1 : 0, ms));
        if (!repeats) timers.delete(handle);
        callback(...args);
      } while (repeats && !scope.isCancelled);
    };
    scope.run(body).catch((error: unknown) => {
      if (!(error instanceof CancelledFailure) || !isCancellation(error)) settleRun(run, error);
    });
    return handle;
  };
  const clear = (handle: unknown): void => {
    timers.get(handle as number)?.cancel('timer cleared');
    timers.delete(handle as number);
  };
  define('setTimeout', (callback: Callback, ms = 0, ...args: unknown[]) => start(callback, ms, args, false));
  define('setInterval', (callback: Callback, ms = 0, ...args: unknown[]) => start(callback, ms, args, true));
  define('setImmediate', (callback: Callback, ...args: unknown[]) => start(callback, 0, args, false));
  for (const name of ['clearTimeout', 'clearInterval', 'clearImmediate']) define(name, clear);
  define('queueMicrotask', (callback: Callback) => {
    const run = currentRun();
    Promise.resolve()
      .then(() => callback())
      .catch((error: unknown) => settleRun(run, error));
  });
}

function installConsole(): void {
  const line = (args: unknown[]): string =>
    args.map((value) => (typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value)))).join(' ');
  const { debug, info, warn, error } = log;
  define('console', {
    debug: (...args: unknown[]) => debug(line(args)),
    log: (...args: unknown[]) => info(line(args)),
    info: (...args: unknown[]) => info(line(args)),
    warn: (...args: unknown[]) => warn(line(args)),
    error: (...args: unknown[]) => error(line(args)),
  });
}

function installRandom(): void {
  const random = (): number => currentRun().random.next();
  Object.defineProperty(Math, 'random', { value: random });
  define('crypto', {
    randomUUID: () => randomUuid(currentRun().random),
    getRandomValues: (array: Uint8Array) => {
      const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
      for (let i = 0; i < bytes.length; i++) bytes[i] = Math.floor(random() * 256);
      return array;
    },
  });
}

function removeUnsafe(): void {
  for (const name of ['WeakRef', 'FinalizationRegistry', 'Atomics', 'SharedArrayBuffer', 'WebAssembly', 'eval']) {
    Reflect.deleteProperty(globalThis, name);
  }
  for (const name of ['fetch', 'require']) {
    define(name, () => {
      throw new Error(`${name} is not available in workflow code: it is not replayable. Do it in an activity.`);
    });
  }
}

/** No run may add to a shared prototype or replace a shared function. Own overrides on instances still work. */
function lockBuiltIns(): void {
  const scope = globalThis as unknown as Record<string, unknown>;
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    const descriptor = Object.getOwnPropertyDescriptor(globalThis, name);
    if (name !== 'globalThis' && descriptor?.configurable && 'value' in descriptor) {
      // The value is repeated because the global of a vm context loses it otherwise.
      const { enumerable = false, value } = descriptor;
      Object.defineProperty(globalThis, name, { value, enumerable, writable: false, configurable: false });
    }
    const value = scope[name];
    if (typeof value === 'function') {
      const { prototype } = value as { prototype?: unknown };
      if (prototype !== null) Object.preventExtensions(prototype);
      if (name !== 'Error' && name !== 'Date') Object.freeze(value);
    } else if (typeof value === 'object' && value !== null && value !== globalThis) Object.freeze(value);
  }
}

export function installDeterministicGlobals(): void {
  define('Date', createDate(Date));
  patchIntl();
  installRandom();
  installTimers();
  installConsole();
  define('performance', { now, timeOrigin: 0 });
  removeUnsafe();
  lockBuiltIns();
}
