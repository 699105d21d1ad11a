// How a selection is read from tables that are ordered by time: the runs of one workflow id, the open runs by start time, or the closed ones
// by close time, each narrowed by whatever else the selection asks. What fits none of them is refused, with what would.
import { badRequest } from '#base';
import type { AttributeValue, Condition, Selection } from '../condition.ts';

export type Plan =
  | { readonly kind: 'workflow'; readonly workflowId: string }
  | { readonly kind: 'open' | 'closed'; readonly fromMs: number; readonly toMs: number };

/** What holds of every match, because the whole condition or a part of a conjunction says so. */
function conjuncts(condition: Condition | undefined): readonly Condition[] {
  if (condition === undefined) return [];
  return condition.kind === 'and' ? condition.operands.flatMap(conjuncts) : [condition];
}

const isMissing = (condition: Condition, name: string): boolean =>
  condition.kind === 'missing' && condition.attribute.name === name;

function equalTo(parts: readonly Condition[], name: string): AttributeValue | undefined {
  for (const part of parts) {
    if (part.kind === 'compare' && part.operator === '=' && part.attribute.name === name) return part.value;
  }
  return undefined;
}

const CLOSED_ONLY = ['CloseTime', 'CloseStatus'];

/** True when only a closed run can satisfy it. */
function impliesClosed(part: Condition): boolean {
  if (part.kind === 'not') return CLOSED_ONLY.some((name) => isMissing(part.operand, name));
  return (
    (part.kind === 'compare' || part.kind === 'between' || part.kind === 'in') &&
    CLOSED_ONLY.includes(part.attribute.name)
  );
}

const impliesOpen = (part: Condition): boolean => CLOSED_ONLY.some((name) => isMissing(part, name));

/** Whole milliseconds between which the attribute must lie. */
function bounds(parts: readonly Condition[], name: string): { fromMs: number; toMs: number } {
  let fromMs = 0;
  let toMs = Number.MAX_SAFE_INTEGER;
  for (const part of parts) {
    if (part.kind === 'between' && part.attribute.name === name) {
      fromMs = Math.max(fromMs, Math.floor(Number(part.low)));
      toMs = Math.min(toMs, Math.ceil(Number(part.high)));
    }
    if (part.kind !== 'compare' || part.attribute.name !== name) continue;
    const value = Number(part.value);
    if (part.operator !== '<' && part.operator !== '<=') fromMs = Math.max(fromMs, Math.floor(value));
    if (part.operator !== '>' && part.operator !== '>=') toMs = Math.min(toMs, Math.ceil(value));
  }
  return { fromMs, toMs };
}

const REFUSAL = [
  'The visibility store of this cluster is Cassandra, which lists open runs (CloseTime = missing) by StartTime, closed runs',
  '(ORDER BY CloseTime DESC) by CloseTime, and runs of a WorkflowID; other queries need OpenSearch.',
].join(' ');

export function planOf({ where, orderBy }: Selection): Plan {
  const parts = conjuncts(where);
  const workflowId = equalTo(parts, 'WorkflowID');
  if (typeof workflowId === 'string') return { kind: 'workflow', workflowId };
  const { name } = orderBy.attribute;
  if (orderBy.descending && name === 'StartTime' && parts.some(impliesOpen)) {
    return { kind: 'open', ...bounds(parts, 'StartTime') };
  }
  if (orderBy.descending && name === 'CloseTime' && parts.some(impliesClosed)) {
    return { kind: 'closed', ...bounds(parts, 'CloseTime') };
  }
  throw badRequest(REFUSAL);
}

/** A count needs no order: the tables that hold what can match. */
export function countPlansOf(where: Condition | undefined): readonly Plan[] {
  const parts = conjuncts(where);
  const workflowId = equalTo(parts, 'WorkflowID');
  if (typeof workflowId === 'string') return [{ kind: 'workflow', workflowId }];
  const open: Plan = { kind: 'open', ...bounds(parts, 'StartTime') };
  const closed: Plan = { kind: 'closed', ...bounds(parts, 'CloseTime') };
  if (parts.some(impliesOpen)) return [open];
  return parts.some(impliesClosed) ? [closed] : [open, closed];
}
