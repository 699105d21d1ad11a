// What is counted is what Prometheus reads, under the names and labels it was counted by, with buckets of its unit.
import { describe, expect, test } from 'vitest';
import { createPrometheusMetrics } from '#observability';

const linesOf = async (metrics: ReturnType<typeof createPrometheusMetrics>, name: string): Promise<string[]> =>
  (await metrics.render()).body.split('\n').filter((line) => line.startsWith(name));

describe('metrics', () => {
  test('have a line for each set of labels, those of the server among them', async () => {
    const metrics = createPrometheusMetrics({ cluster: 'a' });
    metrics.counter('calls_total', 'Calls.', { operation: 'Start' }).inc();
    metrics.counter('calls_total', 'Calls.', { operation: 'Signal' }).inc(2.5);
    metrics.counter('calls_total', 'Calls.', { operation: 'Start' }).inc();
    expect(await linesOf(metrics, 'calls_total')).toEqual([
      'calls_total{operation="Start",cluster="a"} 2',
      'calls_total{operation="Signal",cluster="a"} 2.5',
    ]);
  });

  test('have the bounds of their unit', async () => {
    const metrics = createPrometheusMetrics({});
    const names = ['a_ms', 'a_seconds', 'a_latency', 'a_count'];
    for (const name of names) metrics.histogram(name, 'A.').observe(0);
    const first = async (name: string) => (await linesOf(metrics, `${name}_bucket`))[0];
    expect(await Promise.all(names.map(first))).toEqual([
      'a_ms_bucket{le="1"} 1',
      'a_seconds_bucket{le="0.001"} 1',
      'a_latency_bucket{le="0.001"} 1',
      'a_count_bucket{le="1"} 1',
    ]);
  });

  test('tell of the process too', async () => {
    const { body, contentType } = await createPrometheusMetrics({ cluster: 'a' }).render();
    expect(body).toMatch(/^process_cpu_user_seconds_total\{cluster="a"\} \d/m);
    expect(contentType).toContain('text/plain');
  });
});
