// Compiles a selection to SQL. The text consists of our own words and column names only; every value of a query is a
// parameter, so nothing that a client writes becomes SQL. NOT is pushed down to the leaves, where `IS NOT TRUE` makes
// the logic two-valued and leaves positive conditions plain enough for the indexes of schema/. What differs between databases is dialect.ts.
import { CLOSE_STATUS_NAMES } from '../close-status.ts';
import type { AttributeValue, Condition, Selection } from '../condition.ts';
import type { PagePosition } from '../page-token.ts';
import type { SearchAttribute } from '../search-attributes.ts';
import type { Column, SqlParameter, ValueSource, VisibilityDialect } from './dialect.ts';
import { wholeBetween, wholeComparison } from './whole-numbers.ts';

export interface CompiledSql {
  readonly sql: string;
  readonly parameters: readonly SqlParameter[];
}

const executionStatus = (now: string): string =>
  `(CASE WHEN close_ms IS NOT NULL THEN CASE close_status ${CLOSE_STATUS_NAMES.map(
    (name, index) => `WHEN ${index + 1} THEN '${name}'`,
  ).join(' ')} END WHEN execution_ms > ${now} THEN 'PENDING' ELSE 'STARTED' END)`;

const required = (sql: string): Column => ({ sql, isNullable: false });
const nullable = (sql: string): Column => ({ sql, isNullable: true });
const integer = (sql: string): Column => ({ sql, isNullable: false, isInteger: true });
const nullableInteger = (sql: string): Column => ({ sql, isNullable: true, isInteger: true });

const COLUMNS: ReadonlyMap<string, Column> = new Map([
  ['DomainID', required('visibility.domain_id')],
  ['WorkflowID', required('workflow_id')],
  ['RunID', required('run_id')],
  ['WorkflowType', required('workflow_type')],
  ['TaskList', required('task_list')],
  ['StartTime', integer('visibility.start_ms')],
  ['ExecutionTime', integer('execution_ms')],
  ['CloseTime', nullableInteger('close_ms')],
  ['UpdateTime', integer('update_ms')],
  ['CloseStatus', nullableInteger('(NULLIF(close_status, 0) - 1)')],
  ['HistoryLength', integer('history_length')],
  ['IsCron', integer('is_cron')],
  ['CronSchedule', nullable(`NULLIF(cron_schedule, '')`)],
  ['ExecutionStatus', { sql: '', isNullable: false, bound: (bind, nowMs) => executionStatus(bind(Math.floor(nowMs))) }],
  ['ParentWorkflowID', nullable('parent_workflow_id')],
  ['ParentRunID', nullable('parent_run_id')],
  ['ScheduledExecutionTime', integer('execution_ms')],
  ['NumClusters', nullableInteger('num_clusters')],
  ['ClusterAttributeScope', nullable('cluster_scope')],
  ['ClusterAttributeName', nullable('cluster_name')],
]);

const toParameter = (value: AttributeValue): SqlParameter => (typeof value === 'boolean' ? Number(value) : value);

type Leaf = Exclude<Condition, { kind: 'and' | 'or' | 'not' }>;
type Test = Exclude<Leaf, { kind: 'missing' }>;

class Compiler {
  readonly dialect: VisibilityDialect;
  readonly #nowMs: number;
  readonly #parameters: SqlParameter[] = [];

  constructor(dialect: VisibilityDialect, nowMs: number) {
    this.dialect = dialect;
    this.#nowMs = nowMs;
  }

  get parameters(): readonly SqlParameter[] {
    return this.#parameters;
  }

  readonly bind = (value: AttributeValue | null): string => {
    this.#parameters.push(value === null ? null : toParameter(value));
    return '?';
  };

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
    return COLUMNS.get(attribute.name) ?? this.dialect.attributeSort(attribute);
  }

  /** A column's text, at the place where it is used: it may bind parameters. */
  use(column: Column): string {
    return column.bound === undefined ? column.sql : column.bound(this.bind, this.#nowMs);
  }

  #leaf(condition: Leaf): string {
    const { attribute } = condition;
    const column = COLUMNS.get(attribute.name);
    if (column === undefined) {
      const rows = this.dialect.attributeRows(attribute, this.bind);
      if (condition.kind === 'missing') return `NOT EXISTS (${rows})`;
      return `EXISTS (${rows} AND ${this.#test(condition, () => this.dialect.attributeValue(attribute), false)})`;
    }
    if (condition.kind === 'missing') {
      if (!column.isNullable) return 'FALSE';
      return `${attribute.name === 'CloseStatus' ? 'NULLIF(close_status, 0)' : this.use(column)} IS NULL`;
    }
    if (condition.kind === 'in' || isEquality(condition)) {
      const values = condition.kind === 'in' ? condition.values : [condition.value];
      if (attribute.name === 'CloseStatus') return this.#closeStatusEquals(values);
      const key = this.dialect.keyColumn(attribute);
      if (key !== undefined) {
        return `${key.sql} IN (${values.map((value) => this.bind(key.keyOf(String(value)))).join(', ')})`;
      }
    }
    return this.#test(condition, () => this.use(column), column.isInteger === true);
  }

  /** On the bare column, which is indexed. */
  #closeStatusEquals(values: readonly AttributeValue[]): string {
    const test = `close_status IN (${values.map((value) => this.bind(Number(value) + 1)).join(', ')})`;
    // Says what the partial index on failures needs to know.
    return values.every((value) => Number(value) > 0) ? `(${test} AND close_status > 1)` : test;
  }

  #test(condition: Test, operand: () => string, isInteger: boolean): string {
    const { attribute } = condition;
    const isText = attribute.values === 'text';
    switch (condition.kind) {
      case 'compare': {
        if (isText && condition.operator === '=') return this.#phrase(attribute, condition.value);
        const compared = isInteger ? wholeComparison(condition.operator, Number(condition.value)) : condition;
        if (compared === undefined) return 'FALSE';
        return `${operand()} ${compared.operator} ${this.bind(compared.value)}`;
      }
      case 'in': {
        if (isText) return `(${condition.values.map((value) => this.#phrase(attribute, value)).join(' OR ')})`;
        const values = isInteger
          ? condition.values.filter((value) => wholeComparison('=', Number(value)) !== undefined)
          : condition.values;
        if (values.length === 0) return 'FALSE';
        return `${operand()} IN (${values.map((value) => this.bind(value)).join(', ')})`;
      }
      case 'between': {
        const { low, high } = isInteger ? wholeBetween(Number(condition.low), Number(condition.high)) : condition;
        return `${operand()} BETWEEN ${this.bind(low)} AND ${this.bind(high)}`;
      }
      case 'like':
        return this.dialect.like(operand(), condition.pattern, this.bind);
    }
  }

  #phrase(attribute: SearchAttribute, value: AttributeValue): string {
    return this.dialect.phrase(attribute, String(value), this.bind);
  }
}

const isEquality = (condition: Condition): condition is Extract<Condition, { kind: 'compare' }> =>
  condition.kind === 'compare' && condition.operator === '=';

// Each value is a search of its own, whose pages are joined: worth it for a handful.
const INDEXED_VALUES_MAX = 20;

/** Every result has the attribute with one of these values. */
interface IndexedValues {
  readonly attribute: SearchAttribute;
  readonly values: readonly AttributeValue[];
}

/** Values of a custom attribute that every result must have one of: the index of values leads straight to the runs. */
function findIndexedValues(dialect: VisibilityDialect, where: Condition | undefined): IndexedValues | undefined {
  let best: IndexedValues | undefined;
  for (const condition of where?.kind === 'and' ? where.operands : [where]) {
    const found = condition === undefined ? undefined : indexedValuesOf(dialect, condition);
    if (found !== undefined && (best === undefined || found.values.length < best.values.length)) best = found;
  }
  return best;
}

function indexedValuesOf(dialect: VisibilityDialect, condition: Condition): IndexedValues | undefined {
  if (condition.kind === 'or') {
    return joined(condition.operands.map((operand) => indexedValuesOf(dialect, operand)));
  }
  if (condition.kind !== 'in' && !isEquality(condition)) return undefined;
  const { attribute } = condition;
  if (COLUMNS.has(attribute.name) || attribute.values === 'text') return undefined;
  const values = [...new Set(condition.kind === 'in' ? condition.values : [condition.value])];
  const isIndexed = values.length <= INDEXED_VALUES_MAX && values.every((value) => dialect.isIndexed(value));
  return isIndexed ? { attribute, values } : undefined;
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

function compileSource(compiler: Compiler, domainId: string, indexed: IndexedValues | undefined): ValueSource {
  if (indexed !== undefined) {
    return compiler.dialect.valueSource(domainId, indexed.attribute, indexed.values, compiler.bind);
  }
  const conditions = [`visibility.domain_id = ${compiler.bind(domainId)}`];
  return { from: 'visibility', conditions, row: 'visibility.run_no' };
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
  const bound = (): string =>
    `(${compiler.use(column)}, ${row}) ${comparison} (${compiler.bind(sortValue)}, ${compiler.bind(rowNumber)})`;
  const test = compiler.dialect.repeatsTupleBound
    ? `(${compiler.use(column)} ${comparison}= ${compiler.bind(sortValue)} AND ${bound()})`
    : bound();
  return column.isNullable ? `(${test} OR ${compiler.use(column)} IS NULL)` : test;
}

interface PageOptions {
  readonly size: number;
  readonly after: PagePosition | undefined;
  readonly nowMs: number;
}

/** Selects `run_no`, `sort_value` and all columns of one page and one row more. */
export function compilePage(
  dialect: VisibilityDialect,
  domainId: string,
  selection: Selection,
  page: PageOptions,
): CompiledSql {
  const compiler = new Compiler(dialect, page.nowMs);
  const indexed = findIndexedValues(dialect, selection.where);
  if (indexed === undefined || indexed.values.length === 1) {
    const sql = pageSql(compiler, domainId, selection, page, indexed);
    return { sql, parameters: compiler.parameters };
  }
  // A page of each value in order, then the first of all: a run that has two of the values is in both, and once in their union.
  const pages = indexed.values.map((value, index) => {
    const one = { attribute: indexed.attribute, values: [value] };
    return `SELECT * FROM (${pageSql(compiler, domainId, selection, page, one)}) AS page${index}`;
  });
  const direction = selection.orderBy.descending ? 'DESC' : 'ASC';
  const order = dialect.nullsLast('sort_value', direction);
  const sql = `SELECT * FROM (${pages.join(' UNION ')}) AS pages
    ORDER BY ${order}, run_no ${direction} LIMIT ${compiler.bind(page.size + 1)}`;
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
  const direction = descending ? 'DESC' : 'ASC';
  // Parameters are bound in the order of the text: the sort value comes before the source, whose columns it may be of.
  const start = indexed === undefined ? 'visibility.start_ms' : compiler.dialect.valueStart;
  const column = attribute.name === 'StartTime' ? integer(start) : compiler.sortColumn(attribute);
  const sortValue = compiler.use(column);
  const source = compileSource(compiler, domainId, indexed);
  const conditions = [...source.conditions];
  if (selection.where !== undefined) conditions.push(compiler.condition(selection.where, false));
  const sort = { column, row: source.row, descending };
  if (page.after !== undefined) conditions.push(afterPosition(compiler, sort, page.after));
  // A closed listing never has a missing close time; the plain order can use its index.
  const mayBeMissing = column.isNullable && !excludesMissing(selection.where, attribute);
  const order = mayBeMissing ? compiler.dialect.nullsLast('sort_value', direction) : `sort_value ${direction}`;
  return `SELECT visibility.*, ${sortValue} AS sort_value FROM ${source.from} WHERE ${conditions.join(' AND ')}
    ORDER BY ${order}, ${source.row} ${direction} LIMIT ${compiler.bind(page.size + 1)}`;
}

function excludesMissing(where: Condition | undefined, attribute: SearchAttribute): boolean {
  if (where === undefined) return false;
  if (where.kind === 'and') return where.operands.some((operand) => excludesMissing(operand, attribute));
  if (where.kind === 'not') return where.operand.kind === 'missing' && where.operand.attribute === attribute;
  return where.kind !== 'or' && where.kind !== 'missing' && where.attribute === attribute;
}

/** Selects the number of `runs`. */
export function compileCount(
  dialect: VisibilityDialect,
  domainId: string,
  where: Condition | undefined,
  nowMs: number,
): CompiledSql {
  const compiler = new Compiler(dialect, nowMs);
  const indexed = findIndexedValues(dialect, where);
  const source = compileSource(compiler, domainId, indexed);
  const conditions = [...source.conditions];
  if (where !== undefined) conditions.push(compiler.condition(where, false));
  // A run with two of the values has two rows there.
  const counted = indexed === undefined || indexed.values.length === 1 ? '*' : `DISTINCT ${source.row}`;
  const sql = `SELECT count(${counted}) AS runs FROM ${source.from} WHERE ${conditions.join(' AND ')}`;
  return { sql, parameters: compiler.parameters };
}
