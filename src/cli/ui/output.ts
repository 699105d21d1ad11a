// stdout is data, stderr is everything else. `table` is for people; `json` is one value; `jsonl` one value a line, for pipes and follows.
import Table from 'cli-table3';
import pc from 'picocolors';
import { plain } from './plain.ts';

export const OUTPUT_FORMATS = ['table', 'json', 'jsonl'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];
export const isOutputFormat = (text: string): text is OutputFormat =>
  (OUTPUT_FORMATS as readonly string[]).includes(text);

export interface Output {
  readonly format: OutputFormat;
  /** Rows with named columns. */
  rows(
    columns: readonly string[],
    rows: readonly Readonly<Record<string, unknown>>[],
    empty: string,
    options?: { readonly hasHead?: boolean },
  ): void;
  /** One record, printed as field and value. */
  record(value: unknown): void;
  /** A line of a stream: text for people, the value for scripts. */
  line(text: string, value: unknown): void;
  /** What happened, for people; scripts get the value. */
  done(text: string, value: unknown): void;
  /** Progress and remarks, on stderr. */
  note(text: string): void;
}

const json = (value: unknown, indent?: number): string =>
  JSON.stringify(plain(value, { keepDefaults: true }) ?? null, undefined, indent);

const cell = (value: unknown, column: string): string => {
  // In its column a 0 or false says something.
  const converted = plain(value, { keepDefaults: typeof value !== 'object' }, column);
  if (converted === undefined) return '';
  return typeof converted === 'object' ? JSON.stringify(converted) : String(converted);
};

function flatten(value: unknown, prefix: string, lines: [string, string][]): void {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    for (const [key, item] of Object.entries(value)) flatten(item, prefix === '' ? key : `${prefix}.${key}`, lines);
  } else {
    lines.push([prefix, typeof value === 'object' ? JSON.stringify(value) : String(value)]);
  }
}

export function createOutput(
  format: OutputFormat,
  write: (text: string) => void = (text) => process.stdout.write(text),
): Output {
  const isTable = format === 'table';
  return {
    format,
    rows(columns, rows, empty, { hasHead = true } = {}) {
      if (format === 'json') {
        write(`${json(rows, 2)}\n`);
      } else if (format === 'jsonl') {
        for (const row of rows) write(`${json(row)}\n`);
      } else if (rows.length === 0) {
        write(`${empty}\n`);
      } else {
        const table = new Table({
          head: hasHead ? columns.map((column) => pc.bold(column)) : [],
          style: { head: [], border: [], compact: true },
          chars: {
            mid: '',
            'left-mid': '',
            'mid-mid': '',
            'right-mid': '',
            top: '',
            'top-mid': '',
            'top-left': '',
            'top-right': '',
            bottom: '',
            'bottom-mid': '',
            'bottom-left': '',
            'bottom-right': '',
            left: '',
            right: '',
            middle: '  ',
          },
        });
        for (const row of rows) table.push(columns.map((column) => cell(row[column], column)));
        write(`${table.toString()}\n`);
      }
    },
    record(value) {
      if (!isTable) {
        write(`${json(value, format === 'json' ? 2 : undefined)}\n`);
        return;
      }
      const lines: [string, string][] = [];
      flatten(plain(value) ?? {}, '', lines);
      const width = Math.max(0, ...lines.map(([key]) => key.length));
      for (const [key, text] of lines) write(`${pc.dim(key.padEnd(width))}  ${text}\n`);
    },
    line(text, value) {
      write(isTable ? `${text}\n` : `${json(value)}\n`);
    },
    done(text, value) {
      write(isTable ? `${pc.green('✓')} ${text}\n` : `${json(value, format === 'json' ? 2 : undefined)}\n`);
    },
    note(text) {
      process.stderr.write(`${text}\n`);
    },
  };
}
