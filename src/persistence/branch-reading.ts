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

interface PageOptions {
  readonly minEvents: number;
  readonly token?: Uint8Array | undefined;
}

/** Takes the rows of a branch in order and keeps those that are true, until a page is full. */
class PageBuilder {
  readonly segments: readonly BranchSegment[];
  readonly #branch: HistoryBranch;
  readonly #minEvents: number;
  readonly #items: HistoryNode[] = [];
  #expected: number | undefined;
  #eventCount = 0;
  #nextNodeId: number | undefined;

  constructor(
    branch: HistoryBranch,
    range: { readonly minEventId: number; readonly maxEventId: number },
    options: PageOptions,
  ) {
    this.#branch = branch;
    this.#minEvents = Math.max(1, options.minEvents);
    this.#expected = options.token === undefined ? undefined : decodePosition(options.token);
    const minEventId = Math.max(range.minEventId, this.#expected ?? 0);
    this.segments = branchSegments(branch, { minEventId, maxEventId: range.maxEventId });
  }

  /** False: the page is full. */
  add(node: HistoryNode): boolean {
    const expected = this.#expected;
    if (expected !== undefined && node.nodeId < expected) return true;
    if (expected !== undefined && node.nodeId > expected) {
      throw new StoreError('Corrupt', `${describe(this.#branch)} has no events ${expected} to ${node.nodeId - 1}`);
    }
    if (this.#eventCount >= this.#minEvents) {
      this.#nextNodeId = node.nodeId;
      return false;
    }
    this.#items.push(node);
    this.#eventCount += node.eventCount;
    this.#expected = node.nodeId + node.eventCount;
    return true;
  }

  get page(): Page<HistoryNode> {
    const items = this.#items;
    return this.#nextNodeId === undefined ? { items } : { items, nextToken: encodePosition(this.#nextNodeId) };
  }
}

/** `load` yields a segment's nodes by ascending node id and, within one node id, descending txn id. */
export function readBranchPage(
  branch: HistoryBranch,
  range: { readonly minEventId: number; readonly maxEventId: number },
  options: PageOptions,
  load: (segment: BranchSegment) => Iterable<HistoryNode>,
): Page<HistoryNode> {
  const builder = new PageBuilder(branch, range, options);
  for (const segment of builder.segments) {
    for (const node of load(segment)) if (!builder.add(node)) return builder.page;
  }
  return builder.page;
}

/** The same for stores that answer later. */
export async function readBranchPageAsync(
  branch: HistoryBranch,
  range: { readonly minEventId: number; readonly maxEventId: number },
  options: PageOptions,
  load: (segment: BranchSegment) => AsyncIterable<HistoryNode>,
): Promise<Page<HistoryNode>> {
  const builder = new PageBuilder(branch, range, options);
  for (const segment of builder.segments) {
    for await (const node of load(segment)) if (!builder.add(node)) return builder.page;
  }
  return builder.page;
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
