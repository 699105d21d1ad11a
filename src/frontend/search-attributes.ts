// Search attributes of a start request: known keys, values of the key's type, within the limits of semantics §8.1.
// Cadence: common/elasticsearch/validator
import type { SearchAttributes } from '@antiphon/proto';
import { badRequest } from '#base';
import type { Limits } from '#core';
import { isValidPayload, type SearchAttributeRegistry } from '#visibility';

export function checkSearchAttributes(
  attributes: SearchAttributes | undefined,
  registry: SearchAttributeRegistry,
  limits: Limits,
): void {
  const fields = Object.entries(attributes?.indexedFields ?? {});
  if (fields.length > limits.searchAttributeCountMax) throw badRequest(`number of keys ${fields.length} exceed limit`);
  let total = 0;
  for (const [key, { data }] of fields) {
    const attribute = registry.get(key);
    if (attribute === undefined) throw badRequest(`${shown(key)} is not a valid search attribute key`);
    if (attribute.isSystem) throw badRequest(`${key} is read-only Cadence reservered attribute`);
    if (data.length > limits.searchAttributeValueBytesMax) throw badRequest(`size limit exceed for key ${key}`);
    // Nothing is a value of every type.
    if (data.length > 0 && !isValidPayload(attribute, data))
      throw badRequest(`${shown(new TextDecoder().decode(data))} is not a valid search attribute value for key ${key}`);
    total += key.length + data.length;
  }
  if (total > limits.searchAttributesTotalBytesMax) throw badRequest(`total size ${total} exceed limit`);
}

const shown = (key: string): string => (key.length > 100 ? `${key.slice(0, 100)}…` : key);
