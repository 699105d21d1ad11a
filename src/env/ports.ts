// The only door to time, randomness, ids, logs and metrics. Server code gets an Env and never calls Date.now, Math.random, setTimeout or
// randomUUID itself, so that whole clusters run in a seeded simulation and a failing seed replays.

export interface Clock {
  /** Wall clock, unix milliseconds. May jump; never used to measure. */
  nowMs(): number;
  /** Milliseconds that only grow, for durations. */
  monotonicMs(): number;
}

export interface TimerHandle {
  cancel(): void;
}

export interface Scheduler {
  /** Runs `callback` once after at least `delayMs` (0: in a later turn). */
  after(delayMs: number, callback: () => void): TimerHandle;
}

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** A version 4 UUID. */
  uuid(): string;
}

export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  child(fields: LogFields): Logger;
}

export interface Counter {
  inc(value?: number): void;
}

export interface Gauge {
  set(value: number): void;
}

export interface Histogram {
  observe(value: number): void;
}

export type Labels = Readonly<Record<string, string>>;

/** Label values are resolved to children once and kept by the caller: nothing is looked up on a hot path. */
export interface Metrics {
  counter(name: string, help: string, labels?: Labels): Counter;
  gauge(name: string, help: string, labels?: Labels): Gauge;
  histogram(name: string, help: string, labels?: Labels): Histogram;
}

export interface Env {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
}
