// Compiles a selection to SQL. The text consists of our own words and column names only; every value of a query is a
// parameter, so nothing that a client writes becomes SQL. NOT is pushed down to the leaves, where `IS NOT TRUE` makes
// the logic two-valued and leaves positive conditions plain enough for the indexes of schema/sqlite.
import { assert } from '#base';
import { CLOSE_STATUS_NAMES } from '../close-status.ts';
import type { AttributeValue, Condition, Selection } from '../condition.ts';
import type { PagePosition } from '../page-token.ts';
import type { SearchAttribute } from '../search-attributes.ts';
import { globPattern } from '../text-match.ts';

export type SqlParameter = string | number | null;

export interface CompiledSql {
  readonly sql: string;
  readonly parameters: readonly SqlParameter[];
}

/** The SQL function behind `=` on String attributes; the driver registers it. */
export const PHRASE_FUNCTION = 'antiphon_matches_phrase';

const EXECUTION_STATUS = `(CASE WHEN close_ms IS NOT NULL THEN CASE close_status ${CLOSE_STATUS_NAMES.map(
  (name, index) => `WHEN ${index + 1} THEN '${name}'`,
).join(' ')} END WHEN execution_ms > ? THEN 'PENDING' ELSE 'STARTED' END)`;

interface Column {
  readonly sql: string;
  readonly isNullable: boolean;
}

const required = (sql: string): Column => ({ sql, isNullable: false });
const nullable = (sql: string): Column => ({ sql, isNullable: true });

const COLUMNS: ReadonlyMap<string, Column> = new Map([
  ['DomainID', required('domain_id')],
  ['WorkflowID', required('workflow_id')],
  ['RunID', required('run_id')],
  ['WorkflowType', required('workflow_type')],
  ['TaskList', required('task_list')],
  ['StartTime', required('start_ms')],
  ['ExecutionTime', required('execution_ms')],
  ['CloseTime', nullable('close_ms')],
  ['UpdateTime', required('update_ms')],
  ['CloseStatus', nullable('(NULLIF(close_status, 0) - 1)')],
  ['HistoryLength', required('history_length')],
  ['IsCron', required('is_cron')],
  ['CronSchedule', nullable(`NULLIF(cron_schedule, '')`)],
  ['ExecutionStatus', required(EXECUTION_STATUS)],
  ['ParentWorkflowID', nullable('parent_workflow_id')],
  ['ParentRunID', nullable('parent_run_id')],
  ['ScheduledExecutionTime', required('execution_ms')],
  ['NumClusters', nullable('num_clusters')],
  ['ClusterAttributeScope', nullable('cluster_scope')],
  ['ClusterAttributeName', nullable('cluster_name')],
]);

const SAFE_NAME = /^[A-Za-z_][A-Za-z0-9_.]*$/;

/** The JSON path of a custom attribute as a SQL literal. Its name is of the registry, not of the query. */
function pathLiteral({ name }: SearchAttribute): string {
  assert(SAFE_NAME.test(name), 'a search attribute has a plain name', { name });
  return `'$."${name}"'`;
}

const toParameter = (value: AttributeValue): SqlParameter => (typeof value === 'boolean' ? Number(value) : value);

class Compiler {
  readonly #nowMs: number;
  readonly #parameters: SqlParameter[] = [];

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  get parameters(): readonly SqlParameter[] {
    return this.#parameters;
  }

  bind(value: AttributeValue | null): string {
    this.#parameters.push(value === null ? null : toParameter(value));
    return '?';
  }

  condition(condition: Condition, isNegated: boolean): string {
    if (condition.kind === 'not') return this.condition(condition.operand, !isNegated);
    if (condition.kind === 'and' || condition.kind === 'or') {
      const word = (condition.kind === 'and') === isNegated ? 'OR' : 'AND';
      return `(${condition.operands.map((operand) => this.condition(operand, isNegated)).join(` ${word} `)})`;
    }
    const leaf = this.#leaf(condition);
    return isNegated ? `(${leaf}) IS NOT TRUE` : leaf;
  }

  /** The value that a selection is ordered by. */
  sortColumn(attribute: SearchAttribute): Column {
    const column = COLUMNS.get(attribute.name);
    if (column === undefined) {
      return nullable(`(SELECT value FROM json_each(attributes, ${pathLiteral(attribute)}) ORDER BY key LIMIT 1)`);
    }
    return column;
  }

  /** Binds the parameters inside a column's own text. */
  use(column: Column): string {
    if (column.sql === EXECUTION_STATUS) this.#parameters.push(this.#nowMs);
    return column.sql;
  }

  #leaf(condition: Exclude<Condition, { kind: 'and' | 'or' | 'not' }>): string {
    const { attribute } = condition;
    const column = COLUMNS.get(attribute.name);
    if (column === undefined) {
      const rows = `SELECT 1 FROM json_each(attributes, ${pathLiteral(attribute)})`;
      if (condition.kind === 'missing') return `NOT EXISTS (${rows})`;
      return `EXISTS (${rows} WHERE ${this.#test(condition, () => 'value')})`;
    }
    if (condition.kind === 'missing') {
      if (!column.isNullable) return 'FALSE';
      return `${attribute.name === 'CloseStatus' ? 'NULLIF(close_status, 0)' : this.use(column)} IS NULL`;
    }
    if (attribute.name === 'CloseStatus' && (condition.kind === 'in' || isEquality(condition))) {
      return this.#closeStatusEquals(condition);
    }
    return this.#test(condition, () => this.use(column));
  }

  /** On the bare column, which is indexed. */
  #closeStatusEquals(condition: Extract<Condition, { kind: 'in' | 'compare' }>): string {
    const values = condition.kind === 'in' ? condition.values : [condition.value];
    const test = `close_status IN (${values.map((value) => this.bind(Number(value) + 1)).join(', ')})`;
    // Says what the partial index on failures needs to know.
    return values.every((value) => Number(value) > 0) ? `(${test} AND close_status > 1)` : test;
  }

  #test(condition: Exclude<Condition, { kind: 'and' | 'or' | 'not' | 'missing' }>, operand: () => string): string {
    const isText = condition.attribute.values === 'text';
    switch (condition.kind) {
      case 'compare':
        if (isText && condition.operator === '=') return this.#phrase(operand, condition.value);
        return `${operand()} ${condition.operator} ${this.bind(condition.value)}`;
      case 'in':
        if (isText) return `(${condition.values.map((value) => this.#phrase(operand, value)).join(' OR ')})`;
        return `${operand()} IN (${condition.values.map((value) => this.bind(value)).join(', ')})`;
      case 'between':
        return `${operand()} BETWEEN ${this.bind(condition.low)} AND ${this.bind(condition.high)}`;
      case 'like':
        return `${operand()} GLOB ${this.bind(globPattern(condition.pattern))}`;
    }
  }

  #phrase(operand: () => string, value: AttributeValue): string {
    return `${PHRASE_FUNCTION}(${operand()}, ${this.bind(value)})`;
  }
}

const isEquality = (condition: Condition): condition is Extract<Condition, { kind: 'compare' }> =>
  condition.kind === 'compare' && condition.operator === '=';

// As long as the values that schema/sqlite indexes; JavaScript counts at least as many characters as SQLite does.
const INDEXED_LENGTH_MAX = 255;

// Each value is a search of its own, whose pages are joined: worth it for a handful.
const INDEXED_VALUES_MAX = 20;

/** Every result has the attribute with one of these values. */
interface IndexedValues {
  readonly attribute: SearchAttribute;
  readonly values: readonly AttributeValue[];
}

/** Values of a custom attribute that every result must have one of: the index of values leads straight to the runs. */
function findIndexedValues(where: Condition | undefined): IndexedValues | undefined {
  let best: IndexedValues | undefined;
  for (const condition of where?.kind === 'and' ? where.operands : [where]) {
    const found = condition === undefined ? undefined : indexedValuesOf(condition);
    if (found !== undefined && (best === undefined || found.values.length < best.values.length)) best = found;
  }
  return best;
}

function indexedValuesOf(condition: Condition): IndexedValues | undefined {
  if (condition.kind === 'or') return joined(condition.operands.map(indexedValuesOf));
  if (condition.kind !== 'in' && !isEquality(condition)) return undefined;
  const { attribute } = condition;
  if (COLUMNS.has(attribute.name) || attribute.values === 'text') return undefined;
  const values = [...new Set(condition.kind === 'in' ? condition.values : [condition.value])];
  const isIndexed = values.every((value) => typeof value !== 'string' || value.length <= INDEXED_LENGTH_MAX);
  return isIndexed && values.length <= INDEXED_VALUES_MAX ? { attribute, values } : undefined;
}

/** Alternatives on one attribute are one list of values. */
function joined(parts: readonly (IndexedValues | undefined)[]): IndexedValues | undefined {
  const [first] = parts;
  if (first === undefined) return undefined;
  const values = new Set<AttributeValue>();
  for (const part of parts) {
    if (part?.attribute.name !== first.attribute.name) return undefined;
    for (const value of part.values) values.add(value);
  }
  return values.size <= INDEXED_VALUES_MAX ? { attribute: first.attribute, values: [...values] } : undefined;
}

interface Source {
  readonly from: string;
  readonly conditions: readonly string[];
  /** The column that equals run_no and follows the index. */
  readonly row: string;
}

function compileSource(compiler: Compiler, domainId: string, indexed: IndexedValues | undefined): Source {
  if (indexed === undefined) {
    const conditions = [`domain_id = ${compiler.bind(domainId)}`];
    return { from: 'visibility', conditions, row: 'run_no' };
  }
  const conditions = [
    `attr_domain = ${compiler.bind(domainId)}`,
    `attr_name = ${compiler.bind(indexed.attribute.name)}`,
    `attr_value IN (${indexed.values.map((value) => compiler.bind(value)).join(', ')})`,
  ];
  // CROSS JOIN keeps this order: first the values, then their rows.
  const from = 'visibility_values CROSS JOIN visibility ON run_no = attr_run';
  return { from, conditions, row: 'attr_run' };
}

/** Rows after the position, in order: values first, missing ones last, newest row first among equals. */
function afterPosition(
  compiler: Compiler,
  sort: { readonly column: Column; readonly row: string; readonly descending: boolean },
  { sortValue, rowNumber }: PagePosition,
): string {
  const { column, row } = sort;
  const comparison = sort.descending ? '<' : '>';
  if (sortValue === null)
    return `(${compiler.use(column)} IS NULL AND ${row} ${comparison} ${compiler.bind(rowNumber)})`;
  const value = `(${compiler.use(column)}, ${row})`;
  const tuple = `${value} ${comparison} (${compiler.bind(sortValue)}, ${compiler.bind(rowNumber)})`;
  return column.isNullable ? `(${tuple} OR ${compiler.use(column)} IS NULL)` : tuple;
}

interface PageOptions {
  readonly size: number;
  readonly after: PagePosition | undefined;
  readonly nowMs: number;
}

/** Selects `run_no`, `sort_value` and all columns of one page and one row more. */
export function compilePage(domainId: string, selection: Selection, page: PageOptions): CompiledSql {
  const compiler = new Compiler(page.nowMs);
  const indexed = findIndexedValues(selection.where);
  if (indexed === undefined || indexed.values.length === 1) {
    const sql = pageSql(compiler, domainId, selection, page, indexed);
    return { sql, parameters: compiler.parameters };
  }
  // A page of each value in order, then the first of all: a run that has two of the values is in both, and once in their union.
  const pages = indexed.values.map((value) => {
    const one = { attribute: indexed.attribute, values: [value] };
    return `SELECT * FROM (${pageSql(compiler, domainId, selection, page, one)})`;
  });
  const direction = selection.orderBy.descending ? 'DESC' : 'ASC';
  const sql = `SELECT * FROM (${pages.join(' UNION ')})
    ORDER BY sort_value IS NULL, sort_value ${direction}, run_no ${direction} LIMIT ${compiler.bind(page.size + 1)}`;
  return { sql, parameters: compiler.parameters };
}

function pageSql(
  compiler: Compiler,
  domainId: string,
  selection: Selection,
  page: PageOptions,
  indexed: IndexedValues | undefined,
): string {
  const { attribute, descending } = selection.orderBy;
  const isByStart = attribute.name === 'StartTime';
  const startColumn = required(indexed === undefined ? 'start_ms' : 'attr_start');
  const column = isByStart ? startColumn : compiler.sortColumn(attribute);
  // Parameters are bound in the order of the text.
  const sortValue = compiler.use(column);
  const source = compileSource(compiler, domainId, indexed);
  const conditions = [...source.conditions];
  if (selection.where !== undefined) conditions.push(compiler.condition(selection.where, false));
  const sort = { column, row: source.row, descending };
  if (page.after !== undefined) conditions.push(afterPosition(compiler, sort, page.after));
  const direction = descending ? 'DESC' : 'ASC';
  // A closed listing never has a missing close time; the plain order can use its index.
  const nullsLast = column.isNullable && !excludesMissing(selection.where, attribute) ? 'sort_value IS NULL, ' : '';
  return `SELECT visibility.*, ${sortValue} AS sort_value FROM ${source.from} WHERE ${conditions.join(' AND ')}
    ORDER BY ${nullsLast}sort_value ${direction}, ${source.row} ${direction} LIMIT ${compiler.bind(page.size + 1)}`;
}

function excludesMissing(where: Condition | undefined, attribute: SearchAttribute): boolean {
  if (where === undefined) return false;
  if (where.kind === 'and') return where.operands.some((operand) => excludesMissing(operand, attribute));
  if (where.kind === 'not') return where.operand.kind === 'missing' && where.operand.attribute === attribute;
  return where.kind !== 'or' && where.kind !== 'missing' && where.attribute === attribute;
}

export function compileCount(domainId: string, where: Condition | undefined, nowMs: number): CompiledSql {
  const compiler = new Compiler(nowMs);
  const indexed = findIndexedValues(where);
  const source = compileSource(compiler, domainId, indexed);
  const conditions = [...source.conditions];
  if (where !== undefined) conditions.push(compiler.condition(where, false));
  // A run with two of the values has two rows there.
  const counted = indexed === undefined || indexed.values.length === 1 ? '*' : `DISTINCT ${source.row}`;
  const sql = `SELECT count(${counted}) FROM ${source.from} WHERE ${conditions.join(' AND ')}`;
  return { sql, parameters: compiler.parameters };
}
