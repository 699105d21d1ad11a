// What search attributes a run may have: known keys, values of the key's type, within the limits of semantics §8.1. The one check for starts,
// children, continued runs, upserts and schedules. The order of the faults is the reference's.
// Cadence: common/elasticsearch/validator
import type { SearchAttributes } from '@antiphon/proto';
import { badRequest } from '#base';
import type { Limits } from './limits.ts';

export interface SearchAttributeRules {
  /** undefined: there is no such attribute. */
  find(key: string): SearchAttributeRule | undefined;
}

export interface SearchAttributeRule {
  /** Set by the service, never by users. */
  readonly isSystem: boolean;
  isValue(data: Uint8Array): boolean;
}

type SizeLimits = Pick<
  Limits,
  'searchAttributeCountMax' | 'searchAttributeValueBytesMax' | 'searchAttributesTotalBytesMax'
>;

/** Throws BadRequest. Without rules, any key with any value within the limits is taken. */
export function checkSearchAttributes(
  attributes: SearchAttributes | undefined,
  rules: SearchAttributeRules | undefined,
  limits: SizeLimits,
): void {
  if (attributes === undefined) return;
  const fields = Object.entries(attributes.indexedFields);
  if (fields.length > limits.searchAttributeCountMax) throw badRequest(`number of keys ${fields.length} exceed limit`);
  let total = 0;
  for (const [key, { data }] of fields) {
    if (rules !== undefined) requireValue(rules.find(key), key, data);
    if (data.length > limits.searchAttributeValueBytesMax) throw badRequest(`size limit exceed for key ${shown(key)}`);
    total += key.length + data.length;
  }
  if (total > limits.searchAttributesTotalBytesMax) throw badRequest(`total size ${total} exceed limit`);
}

function requireValue(rule: SearchAttributeRule | undefined, key: string, data: Uint8Array): void {
  if (rule === undefined) throw badRequest(`${shown(key)} is not a valid search attribute key`);
  if (!rule.isValue(data)) {
    const value = shown(new TextDecoder().decode(data));
    throw badRequest(`${value} is not a valid search attribute value for key ${key}`);
  }
  if (rule.isSystem) throw badRequest(`${key} is read-only Cadence reservered attribute`);
}

const shown = (text: string): string => (text.length > 100 ? `${text.slice(0, 100)}…` : text);
