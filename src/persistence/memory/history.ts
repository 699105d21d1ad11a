// The history port in memory: nodes per branch of a tree, garbage nodes of lost commits included, as a real store
// would keep them.
import { HistoryBranch } from '@antiphon/proto/internal';
import { readBranchPage, unreferencedNodes } from '../branch-reading.ts';
import type { BranchRow, HistoryNode, HistoryStore } from '../ports.ts';
import type { MemoryAccess } from './access.ts';
import type { MemoryImage, TreeRows } from './image.ts';
import { SortedRows } from './sorted-rows.ts';

const byNode = (a: HistoryNode, b: HistoryNode): number => a.nodeId - b.nodeId || b.txnId - a.txnId;

function treeOf(image: MemoryImage, treeId: string): TreeRows {
  let tree = image.trees.get(treeId);
  if (tree === undefined) {
    tree = { branches: new Map(), nodes: new Map() };
    image.trees.set(treeId, tree);
  }
  return tree;
}

export function writeNodes(image: MemoryImage, nodes: readonly HistoryNode[], branches: readonly BranchRow[]): void {
  for (const { branch, info } of branches) {
    treeOf(image, branch.treeId).branches.set(branch.branchId, { branch: HistoryBranch.encode(branch).finish(), info });
  }
  for (const node of nodes) {
    const tree = treeOf(image, node.treeId);
    const rows = tree.nodes.get(node.branchId) ?? new SortedRows(byNode);
    tree.nodes.set(node.branchId, rows);
    rows.put({ ...node });
  }
}

function deleteBranch(image: MemoryImage, branch: HistoryBranch): void {
  const tree = image.trees.get(branch.treeId);
  if (tree === undefined) return;
  tree.branches.delete(branch.branchId);
  const remaining = [...tree.branches.values()].map((row) => HistoryBranch.decode(row.branch));
  for (const { branchId, fromNodeId } of unreferencedNodes(branch, remaining)) {
    const rows = tree.nodes.get(branchId);
    rows?.delete((node) => node.nodeId >= fromNodeId);
    if (rows?.size === 0) tree.nodes.delete(branchId);
  }
  if (tree.branches.size === 0 && tree.nodes.size === 0) image.trees.delete(branch.treeId);
}

export function createMemoryHistory(image: MemoryImage, access: MemoryAccess): HistoryStore {
  return {
    readBranch: (branch, range, options) =>
      access.read(() =>
        readBranchPage(branch, range, options, (segment) => {
          const rows = image.trees.get(branch.treeId)?.nodes.get(segment.branchId);
          return (
            rows?.read(
              (node) => node.nodeId - segment.fromNodeId,
              (node) => node.nodeId < segment.toNodeId,
            ) ?? []
          );
        }),
      ),
    listBranches: (treeId) =>
      access.read(() =>
        [...(image.trees.get(treeId)?.branches.values() ?? [])].map(({ branch, info }) => ({
          branch: HistoryBranch.decode(branch),
          info,
        })),
      ),
    appendNodes: (nodes, branches) => access.write(() => writeNodes(image, nodes, branches)),
    deleteBranch: (branch) => access.write(() => deleteBranch(image, branch)),
  };
}
