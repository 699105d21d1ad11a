// The custom attributes of a run as rows of visibility_values.
import { decodeSearchAttributes } from '../attribute-values.ts';
import type { AttributeValue } from '../condition.ts';
import type { VisibilityRecord } from '../ports.ts';
import type { SearchAttributeRegistry } from '../search-attributes.ts';
import { SEARCH_VALUE_BYTES_MAX, wordText } from './server-dialect.ts';

export const VALUES = {
  name: 'visibility_values',
  columns: {
    run_no: 'integer',
    attr_name: 'text',
    list_position: 'integer',
    domain_id: 'text',
    start_ms: 'integer',
    text_value: 'text',
    search_value: 'text',
    words: 'text',
    number_value: 'real',
  },
  key: ['run_no', 'attr_name', 'list_position'],
} as const;

type ValueRow = (string | number | null)[];

function valueColumns(value: AttributeValue, isPhrase: boolean): ValueRow {
  if (typeof value !== 'string') return [null, null, null, Number(value)];
  const searchValue = Buffer.byteLength(value) <= SEARCH_VALUE_BYTES_MAX ? value : null;
  return [value, searchValue, isPhrase ? wordText(value) : null, null];
}

/** Each value of a list once: a run is found once by it. */
export function valueRows(record: VisibilityRecord, runNumber: number, registry: SearchAttributeRegistry): ValueRow[] {
  const attributes = decodeSearchAttributes(record.searchAttributes, registry) ?? {};
  return Object.entries(attributes).flatMap(([name, values]) => {
    const isPhrase = registry.get(name)?.values === 'text';
    const list = [...new Set(Array.isArray(values) ? values : [values])];
    return list.map((value, position) => [
      ...[runNumber, name, position, record.domainId, record.startTimeMs],
      ...valueColumns(value, isPhrase),
    ]);
  });
}
