import { expect, test } from 'vitest';
import { badRequest } from '#base';
import { createSimulatedEnv, type Labels, type Metrics } from '#env';
import { createOperationMeter } from '../../../src/frontend/request-metrics.ts';

test('calls are counted under the names of the reference, and labels resolved once', () => {
  const made: string[] = [];
  const counts = new Map<string, number>();
  const child = (name: string, labels: Labels | undefined) => {
    const key = `${name}{${labels?.operation},${labels?.domain}}`;
    made.push(key);
    return {
      inc: () => counts.set(key, (counts.get(key) ?? 0) + 1),
      observe: (value: number) => counts.set(key, value),
      set: () => {},
    };
  };
  const metrics: Metrics = {
    counter: (name, _help, labels) => child(name, labels),
    gauge: (name, _help, labels) => child(name, labels),
    histogram: (name, _help, labels) => child(name, labels),
  };
  const meter = createOperationMeter({ ...createSimulatedEnv({ seed: 1 }), metrics }, 'StartWorkflowExecution');
  meter.record('shop', 0, undefined);
  meter.record('shop', 0, badRequest('x'));
  meter.record('shop', 0, badRequest('x'));
  meter.record('', 0, new TypeError('x'));
  expect(Object.fromEntries(counts)).toEqual({
    'cadence_requests{StartWorkflowExecution,shop}': 3,
    'cadence_latency{StartWorkflowExecution,shop}': 0,
    'cadence_errors_bad_request{StartWorkflowExecution,shop}': 2,
    'cadence_requests{StartWorkflowExecution,all}': 1,
    'cadence_latency{StartWorkflowExecution,all}': 0,
    'cadence_errors{StartWorkflowExecution,all}': 1,
  });
  expect(new Set(made).size).toBe(made.length);
});
