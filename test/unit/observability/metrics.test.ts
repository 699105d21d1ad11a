// What is counted is what Prometheus reads, under the names and labels it was counted by.
import { describe, expect, test } from 'vitest';
import { createPrometheusMetrics } from '#observability';

const linesOf = async (metrics: ReturnType<typeof createPrometheusMetrics>, name: string): Promise<string[]> =>
  (await metrics.render()).body.split('\n').filter((line) => line.replace(/^# (HELP|TYPE) /, '').startsWith(name));

describe('metrics', () => {
  test('have a line for each set of labels, those of the server among them', async () => {
    const metrics = createPrometheusMetrics({ cluster: 'a' });
    metrics.counter('calls_total', 'Calls.', { operation: 'Start' }).inc();
    metrics.counter('calls_total', 'Calls.', { operation: 'Signal' }).inc(2.5);
    metrics.counter('calls_total', 'Calls.', { operation: 'Start' }).inc();
    expect(await linesOf(metrics, 'calls_total')).toEqual([
      '# HELP calls_total Calls.',
      '# TYPE calls_total counter',
      'calls_total{cluster="a",operation="Start"} 2',
      'calls_total{cluster="a",operation="Signal"} 2.5',
    ]);
  });

  test('of a gauge are its last value, whatever that is', async () => {
    const metrics = createPrometheusMetrics({});
    const gauge = metrics.gauge('depth', 'Depth.');
    gauge.set(3);
    expect(await linesOf(metrics, 'depth')).toContain('depth 3');
    gauge.set(Number.NEGATIVE_INFINITY);
    expect(await linesOf(metrics, 'depth')).toContain('depth -Inf');
    gauge.set(Number.NaN);
    expect(await linesOf(metrics, 'depth')).toContain('depth NaN');
  });

  test('of a histogram count up by its bounds, which belong to their bucket', async () => {
    const metrics = createPrometheusMetrics({ cluster: 'a' });
    const histogram = metrics.histogram('batch_size', 'Sizes.', { shard: '1' });
    for (const value of [1, 2, 3, 5000]) histogram.observe(value);
    const lines = await linesOf(metrics, 'batch_size');
    const bucket = (bound: string) => lines.find((line) => line.includes(`le="${bound}"`))?.split(' ')[1];
    expect(['1', '2', '5', '2000', '+Inf'].map(bucket)).toEqual(['1', '2', '3', '3', '4']);
    expect(lines).toContain('batch_size_sum{cluster="a",shard="1"} 5006');
    expect(lines).toContain('batch_size_count{cluster="a",shard="1"} 4');
    expect(lines.at(2)).toBe('batch_size_bucket{cluster="a",shard="1",le="1"} 1');
  });

  test('have the bounds of their unit', async () => {
    const metrics = createPrometheusMetrics({});
    for (const name of ['a_ms', 'a_seconds', 'a_latency', 'a_count']) metrics.histogram(name, 'A.').observe(0);
    const first = async (name: string) => (await linesOf(metrics, `${name}_bucket`))[0];
    expect(await Promise.all(['a_ms', 'a_seconds', 'a_latency', 'a_count'].map(first))).toEqual([
      'a_ms_bucket{le="1"} 1',
      'a_seconds_bucket{le="0.001"} 1',
      'a_latency_bucket{le="0.001"} 1',
      'a_count_bucket{le="1"} 1',
    ]);
  });

  test('keep what is in a label or a help text on one line', async () => {
    const metrics = createPrometheusMetrics({});
    metrics.counter('odd_total', 'One\ntwo \\ three.', { domain: 'a"b\\c\nd' }).inc();
    expect(await linesOf(metrics, 'odd_total')).toEqual([
      '# HELP odd_total One\\ntwo \\\\ three.',
      '# TYPE odd_total counter',
      'odd_total{domain="a\\"b\\\\c\\nd"} 1',
    ]);
  });

  test('are of one kind, never less, and named as Prometheus can read', () => {
    const metrics = createPrometheusMetrics({});
    const counter = metrics.counter('calls_total', 'Calls.');
    expect(() => counter.inc(-1)).toThrow('cannot be decreased');
    expect(() => metrics.gauge('calls_total', 'Calls.')).toThrow('two kinds');
    expect(() => metrics.counter('calls-total', 'Calls.')).toThrow('no name of a metric');
  });

  test('tell of the process too', async () => {
    const { body, contentType } = await createPrometheusMetrics({ cluster: 'a' }).render();
    expect(body).toMatch(/^process_cpu_user_seconds_total\{cluster="a"\} \d/m);
    expect(contentType).toContain('text/plain');
  });
});
