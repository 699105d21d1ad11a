// From a listing (a query text, or the fixed filters of the older calls) to a checked selection. What is wrong with a
// query is a BadRequest that points at it.
import { badRequest, required } from '#base';
import { valueOfLiteral } from './attribute-values.ts';
import type { AttributeValue, Condition, Selection } from './condition.ts';
import type { Listing } from './ports.ts';
import type { AttributeName, Expression, Literal } from './query/ast.ts';
import { queryFault } from './query/fault.ts';
import { parseQuery } from './query/parser.ts';
import { SEARCH_ATTRIBUTES, type SearchAttribute, type SearchAttributeRegistry } from './search-attributes.ts';

const CUSTOM_PREFIX = 'Attr.';
const LIKE_WILDCARDS_MAX = 6;

function resolveAttribute(query: string, { name, position }: AttributeName, registry: SearchAttributeRegistry) {
  const isPrefixed = name.startsWith(CUSTOM_PREFIX);
  const attribute = registry.get(isPrefixed ? name.slice(CUSTOM_PREFIX.length) : name);
  if (attribute === undefined || (isPrefixed && attribute.isSystem)) {
    throw queryFault(query, position, `invalid search attribute "${name}"`);
  }
  return attribute;
}

interface Context {
  readonly query: string;
  readonly registry: SearchAttributeRegistry;
  /** What times that are relative to now mean. */
  readonly nowMs: number;
}

function resolve(context: Context, expression: Expression): Condition {
  const { query, registry, nowMs } = context;
  if (expression.kind === 'and' || expression.kind === 'or') {
    return {
      kind: expression.kind,
      operands: expression.operands.map((operand) => resolve(context, operand)),
    };
  }
  if (expression.kind === 'not') return { kind: 'not', operand: resolve(context, expression.operand) };
  const attribute = resolveAttribute(query, expression.attribute, registry);
  const checked = (literal: Literal): AttributeValue => {
    const result = valueOfLiteral(attribute, literal, nowMs);
    if ('value' in result) return result.value;
    throw queryFault(query, literal.position, `invalid value for ${attribute.name}: expected ${result.expected}`);
  };
  switch (expression.kind) {
    case 'missing':
      return { kind: 'missing', attribute };
    case 'in':
      return { kind: 'in', attribute, values: expression.values.map(checked) };
    case 'between':
      return { kind: 'between', attribute, low: checked(expression.low), high: checked(expression.high) };
    case 'like': {
      if (attribute.values !== 'keyword' && attribute.values !== 'text') {
        throw queryFault(query, expression.attribute.position, `LIKE needs a string attribute, not ${attribute.name}`);
      }
      const pattern = expression.pattern.text;
      // Each wildcard may multiply the steps of a match.
      if ((pattern.match(/%+/g) ?? []).length > LIKE_WILDCARDS_MAX) {
        throw queryFault(query, expression.pattern.position, `a pattern has at most ${LIKE_WILDCARDS_MAX} wildcards`);
      }
      return { kind: 'like', attribute, pattern };
    }
    case 'compare': {
      const { operator } = expression;
      const value = checked(expression.value);
      if (operator !== '!=') return { kind: 'compare', attribute, operator, value };
      return { kind: 'not', operand: { kind: 'compare', attribute, operator: '=', value } };
    }
  }
}

const attributeNamed = (name: string): SearchAttribute =>
  required(SEARCH_ATTRIBUTES.get(name), 'a system attribute is registered');

const equals = (name: string, value: AttributeValue): Condition => ({
  kind: 'compare',
  attribute: attributeNamed(name),
  operator: '=',
  value,
});

export function selectionOfQuery(query: string, registry: SearchAttributeRegistry, nowMs: number): Selection {
  const { where, orderBy } = parseQuery(query);
  const condition = where === undefined ? undefined : resolve({ query, registry, nowMs }, where);
  if (orderBy === undefined) {
    return { where: condition, orderBy: { attribute: attributeNamed('StartTime'), descending: true } };
  }
  const attribute = resolveAttribute(query, orderBy.attribute, registry);
  if (attribute.values === 'text') {
    throw queryFault(query, orderBy.attribute.position, `cannot order by ${attribute.name}: it is of type String`);
  }
  return { where: condition, orderBy: { attribute, descending: orderBy.descending } };
}

/**
 * Open runs are bounded and ordered by start time, closed ones by close time. Cadence: es_visibility_store.go
 * getSearchResult.
 */
function selectionOfFilter(filter: Extract<Listing, { kind: 'filter' }>): Selection {
  const closeTime: Condition = { kind: 'missing', attribute: attributeNamed('CloseTime') };
  const timeAttribute = attributeNamed(filter.open ? 'StartTime' : 'CloseTime');
  const operands: Condition[] = [
    filter.open ? closeTime : { kind: 'not', operand: closeTime },
    { kind: 'between', attribute: timeAttribute, low: filter.earliestMs, high: filter.latestMs },
  ];
  if (filter.workflowId !== undefined) operands.push(equals('WorkflowID', filter.workflowId));
  if (filter.runId !== undefined) operands.push(equals('RunID', filter.runId));
  if (filter.workflowType !== undefined) operands.push(equals('WorkflowType', filter.workflowType));
  if (filter.closeStatus !== undefined) {
    if (filter.closeStatus < 1) throw badRequest('invalid close status');
    operands.push(equals('CloseStatus', filter.closeStatus - 1));
  }
  return { where: { kind: 'and', operands }, orderBy: { attribute: timeAttribute, descending: true } };
}

export const selectionOf = (listing: Listing, registry: SearchAttributeRegistry, nowMs: number): Selection =>
  listing.kind === 'query' ? selectionOfQuery(listing.query, registry, nowMs) : selectionOfFilter(listing);
