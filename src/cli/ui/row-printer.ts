// Rows that come page by page: a table shows each page when it is there, jsonl each row; json is one value, and waits for the last page.
import type { Output } from './output.ts';

export type Row = Readonly<Record<string, unknown>>;

export interface RowPrinter {
  readonly count: number;
  page(rows: readonly Row[]): void;
  /** Says `empty` when there was no row. */
  end(empty: string): void;
}

export function createRowPrinter(output: Output, columns: readonly string[]): RowPrinter {
  const kept: Row[] = [];
  let count = 0;
  return {
    get count() {
      return count;
    },
    page(rows) {
      if (rows.length === 0) return;
      if (output.format === 'json') kept.push(...rows);
      else output.rows(columns, rows, '', { hasHead: count === 0 });
      count += rows.length;
    },
    end(empty) {
      if (output.format === 'json') output.rows(columns, kept, empty);
      else if (count === 0) output.rows(columns, [], empty);
    },
  };
}
