// Which attributes a run can be found by, and of what type. System attributes come from the record itself; custom
// ones are set by workflows as search attributes. `type` is what GetSearchAttributes answers (system times are INT
// there, as in Cadence); `values` is what we compare. Cadence: common/definition/indexedKeys.go.
import { IndexedValueType } from '@antiphon/proto';

/** 'text' is matched by phrase, 'keyword' whole; 'time' is unix milliseconds; 'status' a close status from 0. */
export type AttributeValues = 'keyword' | 'text' | 'int' | 'double' | 'bool' | 'time' | 'status';

export interface SearchAttribute {
  readonly name: string;
  readonly type: IndexedValueType;
  readonly values: AttributeValues;
  /** System attributes cannot be set by users. */
  readonly isSystem: boolean;
}

export type SearchAttributeRegistry = ReadonlyMap<string, SearchAttribute>;

const { INDEXED_VALUE_TYPE_STRING, INDEXED_VALUE_TYPE_KEYWORD, INDEXED_VALUE_TYPE_INT } = IndexedValueType;
const { INDEXED_VALUE_TYPE_DOUBLE, INDEXED_VALUE_TYPE_BOOL, INDEXED_VALUE_TYPE_DATETIME } = IndexedValueType;

const VALUES_OF_TYPE = new Map<IndexedValueType, AttributeValues>([
  [INDEXED_VALUE_TYPE_STRING, 'text'],
  [INDEXED_VALUE_TYPE_KEYWORD, 'keyword'],
  [INDEXED_VALUE_TYPE_INT, 'int'],
  [INDEXED_VALUE_TYPE_DOUBLE, 'double'],
  [INDEXED_VALUE_TYPE_BOOL, 'bool'],
  [INDEXED_VALUE_TYPE_DATETIME, 'time'],
]);

const system = (name: string, type: IndexedValueType, values = VALUES_OF_TYPE.get(type)): SearchAttribute => ({
  name,
  type,
  values: values ?? 'keyword',
  isSystem: true,
});

const SYSTEM_ATTRIBUTES: readonly SearchAttribute[] = [
  system('DomainID', INDEXED_VALUE_TYPE_KEYWORD),
  system('WorkflowID', INDEXED_VALUE_TYPE_KEYWORD),
  system('RunID', INDEXED_VALUE_TYPE_KEYWORD),
  system('WorkflowType', INDEXED_VALUE_TYPE_KEYWORD),
  system('TaskList', INDEXED_VALUE_TYPE_KEYWORD),
  system('StartTime', INDEXED_VALUE_TYPE_INT, 'time'),
  system('ExecutionTime', INDEXED_VALUE_TYPE_INT, 'time'),
  system('CloseTime', INDEXED_VALUE_TYPE_INT, 'time'),
  system('UpdateTime', INDEXED_VALUE_TYPE_INT, 'time'),
  system('CloseStatus', INDEXED_VALUE_TYPE_INT, 'status'),
  system('HistoryLength', INDEXED_VALUE_TYPE_INT),
  system('IsCron', INDEXED_VALUE_TYPE_BOOL),
  system('CronSchedule', INDEXED_VALUE_TYPE_KEYWORD),
  system('ExecutionStatus', INDEXED_VALUE_TYPE_INT, 'keyword'),
  system('ScheduledExecutionTime', INDEXED_VALUE_TYPE_INT, 'time'),
  system('NumClusters', INDEXED_VALUE_TYPE_INT),
  system('ClusterAttributeScope', INDEXED_VALUE_TYPE_KEYWORD),
  system('ClusterAttributeName', INDEXED_VALUE_TYPE_KEYWORD),
  system('ParentWorkflowID', INDEXED_VALUE_TYPE_KEYWORD),
  system('ParentRunID', INDEXED_VALUE_TYPE_KEYWORD),
];

export const DEFAULT_CUSTOM_TYPES: Readonly<Record<string, IndexedValueType>> = {
  CustomStringField: INDEXED_VALUE_TYPE_STRING,
  CustomKeywordField: INDEXED_VALUE_TYPE_KEYWORD,
  CustomIntField: INDEXED_VALUE_TYPE_INT,
  CustomBoolField: INDEXED_VALUE_TYPE_BOOL,
  CustomDoubleField: INDEXED_VALUE_TYPE_DOUBLE,
  CustomDatetimeField: INDEXED_VALUE_TYPE_DATETIME,
  CustomDomain: INDEXED_VALUE_TYPE_KEYWORD,
  Operator: INDEXED_VALUE_TYPE_KEYWORD,
  BinaryChecksums: INDEXED_VALUE_TYPE_KEYWORD,
  CadenceChangeVersion: INDEXED_VALUE_TYPE_KEYWORD,
  CadenceScheduleID: INDEXED_VALUE_TYPE_KEYWORD,
  CadenceScheduleTime: INDEXED_VALUE_TYPE_DATETIME,
  CadenceScheduleBackfillID: INDEXED_VALUE_TYPE_KEYWORD,
  CadenceScheduleCron: INDEXED_VALUE_TYPE_KEYWORD,
  CadenceScheduleState: INDEXED_VALUE_TYPE_KEYWORD,
  CadenceScheduleWorkflowType: INDEXED_VALUE_TYPE_KEYWORD,
};

/** The system attributes and these custom ones. */
export function createSearchAttributes(
  customTypes: Readonly<Record<string, IndexedValueType>> = DEFAULT_CUSTOM_TYPES,
): SearchAttributeRegistry {
  const custom = Object.entries(customTypes).map(
    ([name, type]): SearchAttribute => ({
      name,
      type,
      values: VALUES_OF_TYPE.get(type) ?? 'keyword',
      isSystem: false,
    }),
  );
  return new Map([...custom, ...SYSTEM_ATTRIBUTES].map((attribute) => [attribute.name, attribute]));
}

export const SEARCH_ATTRIBUTES: SearchAttributeRegistry = createSearchAttributes();
