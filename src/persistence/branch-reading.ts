// Reading a branch of a history tree: which rows of which branches make up its events. Shared by all drivers. A
// branch inherits each ancestor's nodes up to that ancestor's end (exclusive) and has its own from there on. Writers
// never overwrite: a commit that was lost may leave a node behind, so per node id the largest txn id is the true one,
// and a node that starts before the expected event id belongs to such a leftover and is skipped. A hole is
// corruption. Cadence: common/persistence/history_manager.go.
import type { HistoryBranch } from '@antiphon/proto/internal';
import { StoreError } from '#base';
import type { HistoryNode, Page } from './ports.ts';

/** Nodes of `branchId` with fromNodeId ≤ node id < toNodeId belong to the branch. */
export interface BranchSegment {
  readonly branchId: string;
  readonly fromNodeId: number;
  readonly toNodeId: number;
}

export function branchSegments(
  branch: HistoryBranch,
  range: { readonly minEventId: number; readonly maxEventId: number },
): BranchSegment[] {
  const owners = [...branch.ancestors, { branchId: branch.branchId, endNodeId: Number.MAX_SAFE_INTEGER }];
  const segments: BranchSegment[] = [];
  let start = 0;
  for (const { branchId, endNodeId } of owners) {
    const fromNodeId = Math.max(start, range.minEventId);
    const toNodeId = Math.min(endNodeId, range.maxEventId);
    if (fromNodeId < toNodeId) segments.push({ branchId, fromNodeId, toNodeId });
    start = endNodeId;
  }
  return segments;
}

const describe = (branch: HistoryBranch): string => `history branch ${branch.treeId}/${branch.branchId}`;

/** `load` yields a segment's nodes by ascending node id and, within one node id, descending txn id. */
export function readBranchPage(
  branch: HistoryBranch,
  range: { readonly minEventId: number; readonly maxEventId: number },
  options: { readonly minEvents: number; readonly token?: Uint8Array | undefined },
  load: (segment: BranchSegment) => Iterable<HistoryNode>,
): Page<HistoryNode> {
  const resumeAt = options.token === undefined ? undefined : decodePosition(options.token);
  const minEventId = Math.max(range.minEventId, resumeAt ?? 0);
  const items: HistoryNode[] = [];
  let expected = resumeAt;
  let eventCount = 0;
  for (const segment of branchSegments(branch, { minEventId, maxEventId: range.maxEventId })) {
    for (const node of load(segment)) {
      if (expected !== undefined && node.nodeId < expected) continue;
      if (expected !== undefined && node.nodeId > expected) {
        throw new StoreError('Corrupt', `${describe(branch)} has no events ${expected} to ${node.nodeId - 1}`);
      }
      if (eventCount >= Math.max(1, options.minEvents)) return { items, nextToken: encodePosition(node.nodeId) };
      items.push(node);
      eventCount += node.eventCount;
      expected = node.nodeId + node.eventCount;
    }
  }
  return { items };
}

/**
 * What a deletion of `branch` removes: per branch id the first node id that no remaining branch of the tree refers
 * to.
 */
export function unreferencedNodes(
  branch: HistoryBranch,
  remaining: readonly HistoryBranch[],
): { branchId: string; fromNodeId: number }[] {
  const deletions: { branchId: string; fromNodeId: number }[] = [];
  for (const branchId of [...branch.ancestors.map((ancestor) => ancestor.branchId), branch.branchId]) {
    if (remaining.some((other) => other.branchId === branchId)) continue;
    const ends = remaining.flatMap((other) =>
      other.ancestors.filter((ancestor) => ancestor.branchId === branchId).map((ancestor) => ancestor.endNodeId),
    );
    deletions.push({ branchId, fromNodeId: Math.max(0, ...ends) });
  }
  return deletions;
}

const encodePosition = (nodeId: number): Uint8Array => Buffer.from(String(nodeId), 'latin1');

function decodePosition(token: Uint8Array): number {
  const nodeId = Number(Buffer.from(token).toString('latin1'));
  if (!Number.isSafeInteger(nodeId) || nodeId < 1)
    throw new StoreError('ConditionFailed', 'invalid history page token');
  return nodeId;
}
