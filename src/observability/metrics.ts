// prom-client behind the Metrics port. A metric is registered at its first use with that use's label names; callers keep the children.

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Labels, Metrics } from '#env';

// The p50 of a healthy embedded call is a few milliseconds; long polls last up to a minute.
const SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60];
const MILLISECONDS = SECONDS.map((seconds) => seconds * 1000);
const COUNTS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000];

/** A histogram's unit is in its name. */
function bucketsOf(name: string): readonly number[] {
  if (name.endsWith('_ms')) return MILLISECONDS;
  return name.endsWith('_seconds') || name.endsWith('_latency') ? SECONDS : COUNTS;
}

export interface PrometheusMetrics extends Metrics {
  /** The text of /metrics. */
  render(): Promise<{ contentType: string; body: string }>;
}

export function createPrometheusMetrics(defaultLabels: Labels): PrometheusMetrics {
  const registry = new Registry();
  registry.setDefaultLabels({ ...defaultLabels });
  collectDefaultMetrics({ register: registry });
  const known = new Map<string, Counter | Gauge | Histogram>();
  const find = <M extends Counter | Gauge | Histogram>(
    name: string,
    labels: Labels,
    create: (labelNames: string[]) => M,
  ): M => {
    let metric = known.get(name);
    if (metric === undefined) {
      metric = create(Object.keys(labels));
      known.set(name, metric);
    }
    return metric as M;
  };
  return {
    counter: (name, help, labels = {}) =>
      find(name, labels, (labelNames) => new Counter({ name, help, labelNames, registers: [registry] })).labels(labels),
    gauge: (name, help, labels = {}) =>
      find(name, labels, (labelNames) => new Gauge({ name, help, labelNames, registers: [registry] })).labels(labels),
    histogram: (name, help, labels = {}) =>
      find(
        name,
        labels,
        (labelNames) => new Histogram({ name, help, labelNames, buckets: [...bucketsOf(name)], registers: [registry] }),
      ).labels(labels),
    render: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  };
}
