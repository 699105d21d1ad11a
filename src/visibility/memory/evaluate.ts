// Evaluates a condition on one record, with the same meaning that the SQL of the other driver has.
import { CLOSE_STATUS_NAMES } from '../close-status.ts';
import type { AttributeValue, Condition } from '../condition.ts';
import type { VisibilityRecord } from '../ports.ts';
import type { SearchAttribute } from '../search-attributes.ts';
import { likePattern, matchesPhrase } from '../text-match.ts';

export interface IndexedRecord {
  readonly record: VisibilityRecord;
  readonly attributes: Readonly<Record<string, AttributeValue | AttributeValue[]>>;
  readonly rowNumber: number;
}

type Reader = (record: VisibilityRecord, nowMs: number) => AttributeValue | undefined;

function executionStatus(record: VisibilityRecord, nowMs: number): string | undefined {
  if (record.closeTimeMs !== undefined) return CLOSE_STATUS_NAMES[record.closeStatus - 1];
  return record.executionTimeMs > nowMs ? 'PENDING' : 'STARTED';
}

const SYSTEM_READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['DomainID', (record) => record.domainId],
  ['WorkflowID', (record) => record.workflowId],
  ['RunID', (record) => record.runId],
  ['WorkflowType', (record) => record.workflowType],
  ['TaskList', (record) => record.taskList],
  ['StartTime', (record) => record.startTimeMs],
  ['ExecutionTime', (record) => record.executionTimeMs],
  ['CloseTime', (record) => record.closeTimeMs],
  ['UpdateTime', (record) => record.updateTimeMs],
  ['CloseStatus', (record) => (record.closeStatus === 0 ? undefined : record.closeStatus - 1)],
  ['HistoryLength', (record) => record.historyLength],
  ['IsCron', (record) => record.isCron],
  ['CronSchedule', (record) => (record.cronSchedule === '' ? undefined : record.cronSchedule)],
  ['ExecutionStatus', executionStatus],
  ['ParentWorkflowID', (record) => record.parentWorkflowId],
  ['ParentRunID', (record) => record.parentRunId],
  ['ScheduledExecutionTime', (record) => record.executionTimeMs],
  ['NumClusters', (record) => record.numClusters],
  ['ClusterAttributeScope', (record) => record.clusterAttribute?.scope],
  ['ClusterAttributeName', (record) => record.clusterAttribute?.name],
]);

/** The values of the attribute: none when it is missing. */
export function valuesOf(row: IndexedRecord, attribute: SearchAttribute, nowMs: number): readonly AttributeValue[] {
  const read = SYSTEM_READERS.get(attribute.name);
  const value = read === undefined ? row.attributes[attribute.name] : read(row.record, nowMs);
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

/** Numbers by size, strings by their UTF-8 bytes, false before true. */
export function compareValues(a: AttributeValue, b: AttributeValue): number {
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return Number(a) - Number(b);
}

function satisfies(operator: '=' | '<' | '<=' | '>' | '>=', comparison: number): boolean {
  switch (operator) {
    case '=':
      return comparison === 0;
    case '<':
      return comparison < 0;
    case '<=':
      return comparison <= 0;
    case '>':
      return comparison > 0;
    case '>=':
      return comparison >= 0;
  }
}

const equals = (attribute: SearchAttribute, value: AttributeValue, wanted: AttributeValue): boolean =>
  attribute.values === 'text' ? matchesPhrase(String(value), String(wanted)) : compareValues(value, wanted) === 0;

export function matchesValue(
  condition: Exclude<Condition, { kind: 'and' | 'or' | 'not' | 'missing' }>,
  value: AttributeValue,
): boolean {
  const { attribute } = condition;
  switch (condition.kind) {
    case 'compare':
      if (condition.operator === '=') return equals(attribute, value, condition.value);
      return satisfies(condition.operator, compareValues(value, condition.value));
    case 'in':
      return condition.values.some((wanted) => equals(attribute, value, wanted));
    case 'between':
      return compareValues(value, condition.low) >= 0 && compareValues(value, condition.high) <= 0;
    case 'like':
      return likePattern(condition.pattern).test(String(value));
  }
}

export function matches(row: IndexedRecord, condition: Condition, nowMs: number): boolean {
  switch (condition.kind) {
    case 'and':
      return condition.operands.every((operand) => matches(row, operand, nowMs));
    case 'or':
      return condition.operands.some((operand) => matches(row, operand, nowMs));
    case 'not':
      return !matches(row, condition.operand, nowMs);
    case 'missing':
      return valuesOf(row, condition.attribute, nowMs).length === 0;
    default:
      return valuesOf(row, condition.attribute, nowMs).some((value) => matchesValue(condition, value));
  }
}
