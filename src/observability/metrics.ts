// The Metrics port as Prometheus reads it. Calls count into cells, several times each, so that a cell is a number and nothing else: no labels
// are looked up or hashed, nothing is allocated. What they are called is written when somebody reads. Of the process itself prom-client tells.
import { collectDefaultMetrics, Registry } from 'prom-client';
import { assert } from '#base';
import type { Counter, Gauge, Histogram, Labels, Metrics } from '#env';

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

type Kind = 'counter' | 'gauge' | 'histogram';

/** One line or, of a histogram, several; `labels` as they stand between the braces. */
interface Cell {
  write(name: string, labels: string): string;
}

interface Family {
  readonly kind: Kind;
  readonly help: string;
  readonly cells: Map<string, Cell>;
}

function line(name: string, labels: string, value: number): string {
  const text = Math.abs(value) === Number.POSITIVE_INFINITY ? `${value > 0 ? '+' : '-'}Inf` : String(value);
  return labels === '' ? `${name} ${text}\n` : `${name}{${labels}} ${text}\n`;
}

class CounterCell implements Counter, Cell {
  #value = 0;

  inc(value = 1): void {
    assert(value >= 0, 'a counter cannot be decreased', { value });
    this.#value += value;
  }

  write(name: string, labels: string): string {
    return line(name, labels, this.#value);
  }
}

class GaugeCell implements Gauge, Cell {
  #value = 0;

  set(value: number): void {
    this.#value = value;
  }

  write(name: string, labels: string): string {
    return line(name, labels, this.#value);
  }
}

class HistogramCell implements Histogram, Cell {
  readonly #bounds: readonly number[];
  /** Of each bucket alone; the last is of what is beyond all bounds. */
  readonly #counts: number[];
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let at = 0;
    while (at < bounds.length && value > (bounds[at] as number)) at++;
    this.#counts[at] = (this.#counts[at] as number) + 1;
    this.#sum += value;
  }

  write(name: string, labels: string): string {
    const more = labels === '' ? '' : `${labels},`;
    let total = 0;
    let text = '';
    for (const [index, count] of this.#counts.entries()) {
      total += count;
      text += line(`${name}_bucket`, `${more}le="${this.#bounds[index] ?? '+Inf'}"`, total);
    }
    return text + line(`${name}_sum`, labels, this.#sum) + line(`${name}_count`, labels, total);
  }
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

const escaped = (value: string): string =>
  value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');

const written = (labels: Labels): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(String(value))}"`)
    .join(',');

export function createPrometheusMetrics(defaultLabels: Labels): PrometheusMetrics {
  const ofProcess = new Registry();
  ofProcess.setDefaultLabels({ ...defaultLabels });
  collectDefaultMetrics({ register: ofProcess });
  const families = new Map<string, Family>();
  /** The cell of these labels, made at its first use. */
  const find = <C extends Cell>(kind: Kind, name: string, help: string, labels: Labels, create: () => C): C => {
    let family = families.get(name);
    if (family === undefined) {
      assert(NAME.test(name), 'this is no name of a metric', { name });
      family = { kind, help, cells: new Map() };
      families.set(name, family);
    }
    assert(family.kind === kind, 'a metric has two kinds', { name, kinds: [family.kind, kind] });
    const key = written({ ...defaultLabels, ...labels });
    const found = family.cells.get(key);
    if (found !== undefined) return found as C; // Of the family's kind, which is C's.
    const made = create();
    family.cells.set(key, made);
    return made;
  };
  return {
    counter: (name, help, labels = {}) => find('counter', name, help, labels, () => new CounterCell()),
    gauge: (name, help, labels = {}) => find('gauge', name, help, labels, () => new GaugeCell()),
    histogram: (name, help, labels = {}) =>
      find('histogram', name, help, labels, () => new HistogramCell(bucketsOf(name))),
    async render() {
      let body = await ofProcess.metrics();
      for (const [name, { kind, help, cells }] of families) {
        body += `\n# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${kind}\n`;
        for (const [labels, cell] of cells) body += cell.write(name, labels);
      }
      return { contentType: ofProcess.contentType, body };
    },
  };
}
