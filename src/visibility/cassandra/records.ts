// Visibility records as rows' bytes and back.
import { VisibilityRow } from '@antiphon/proto/internal';
import { StoreError } from '#base';
import { decodeSearchAttributes } from '../attribute-values.ts';
import type { IndexedRecord } from '../memory/evaluate.ts';
import type { VisibilityRecord } from '../ports.ts';
import type { SearchAttributeRegistry } from '../search-attributes.ts';

export function encodeRecord(record: VisibilityRecord): Buffer {
  const bytes = VisibilityRow.encode({
    ...record,
    closeTimeMs: record.closeTimeMs,
    parentWorkflowId: record.parentWorkflowId,
    parentRunId: record.parentRunId,
    numClusters: record.numClusters,
    memo: record.memo,
    searchAttributes: record.searchAttributes,
    clusterAttribute: record.clusterAttribute,
  }).finish();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function decodeRecord(bytes: Buffer): VisibilityRecord {
  try {
    // The message has the fields of the record, by the same names.
    return VisibilityRow.decode(bytes) as VisibilityRecord;
  } catch (error) {
    throw new StoreError('Corrupt', 'undecodable visibility record', { cause: error });
  }
}

export const indexed = (record: VisibilityRecord, registry: SearchAttributeRegistry): IndexedRecord => ({
  record,
  attributes: decodeSearchAttributes(record.searchAttributes, registry) ?? {},
  rowNumber: 0,
});
