// A query applied to records that are not in a visibility store: archives are searched in the same words as live runs.
import { decodeSearchAttributes } from './attribute-values.ts';
import type { Condition } from './condition.ts';
import { matches } from './memory/evaluate.ts';
import type { VisibilityRecord } from './ports.ts';
import { SEARCH_ATTRIBUTES, type SearchAttributeRegistry } from './search-attributes.ts';
import { selectionOfQuery } from './selection.ts';

export interface RecordMatcher {
  matches(record: VisibilityRecord): boolean;
  /** Bounds of CloseTime that every match lies within, when the query has them. */
  readonly closedFromMs?: number;
  readonly closedToMs?: number;
}

/** Bounds that must hold: those of the condition itself and of conjunctions. */
function closeTimeBounds(condition: Condition | undefined): { fromMs?: number; toMs?: number } {
  if (condition === undefined) return {};
  if (condition.kind === 'and') {
    let bounds: { fromMs?: number; toMs?: number } = {};
    for (const operand of condition.operands) {
      const { fromMs, toMs } = closeTimeBounds(operand);
      bounds = {
        ...bounds,
        ...(fromMs === undefined ? {} : { fromMs: Math.max(fromMs, bounds.fromMs ?? fromMs) }),
        ...(toMs === undefined ? {} : { toMs: Math.min(toMs, bounds.toMs ?? toMs) }),
      };
    }
    return bounds;
  }
  if (condition.kind === 'between' && condition.attribute.name === 'CloseTime') {
    return { fromMs: Number(condition.low), toMs: Number(condition.high) };
  }
  if (condition.kind !== 'compare' || condition.attribute.name !== 'CloseTime') return {};
  const value = Number(condition.value);
  const isLower = condition.operator === '>' || condition.operator === '>=' || condition.operator === '=';
  const isUpper = condition.operator === '<' || condition.operator === '<=' || condition.operator === '=';
  return { ...(isLower ? { fromMs: value } : {}), ...(isUpper ? { toMs: value } : {}) };
}

/** @throws ServiceError BadRequest, pointing at the fault in the query. */
export function compileRecordMatcher(
  query: string,
  nowMs: () => number,
  registry: SearchAttributeRegistry = SEARCH_ATTRIBUTES,
): RecordMatcher {
  const { where } = selectionOfQuery(query, registry, nowMs());
  const { fromMs, toMs } = closeTimeBounds(where);
  return {
    matches: (record) =>
      where === undefined ||
      matches(
        { record, attributes: decodeSearchAttributes(record.searchAttributes, registry) ?? {}, rowNumber: 0 },
        where,
        nowMs(),
      ),
    ...(fromMs === undefined ? {} : { closedFromMs: fromMs }),
    ...(toMs === undefined ? {} : { closedToMs: toMs }),
  };
}
