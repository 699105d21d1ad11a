// Logger and metrics that keep nothing, for tests and embedded use.
import type { Logger, Metrics } from './ports.ts';

const nothing = (): void => {};

export const quietLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => quietLogger,
};

export const quietMetrics: Metrics = {
  counter: () => ({ inc: nothing }),
  gauge: () => ({ set: nothing }),
  histogram: () => ({ observe: nothing }),
};
