// The history port on Cassandra: a tree is a partition, of branch rows and of nodes. Nodes are only ever added, so they need no condition; of
// two with one id the larger txn id is the true one. Deletions are ranges.
import { HistoryBranch } from '@antiphon/proto/internal';
import { StoreError } from '#base';
import { type BranchSegment, readBranchPageAsync, unreferencedNodes } from '../branch-reading.ts';
import { checksum, decoded, verified } from '../checksum.ts';
import type { BranchRow, HistoryNode, HistoryStore } from '../ports.ts';
import { type CassandraSession, type Statement, toBlob, toNumber } from './session.ts';

type Long = { toNumber(): number };

interface NodeRow {
  readonly node_id: Long;
  readonly txn_id: Long;
  readonly event_count: number;
  readonly crc: number;
  readonly events: Buffer;
}

const KIND = { branch: 0, node: 1 } as const;
const NODES_PER_PAGE = 200;

const PUT_BRANCH = `INSERT INTO history (tree_id, kind, branch_id, node_id, txn_id, branch, info)
  VALUES (?, ${KIND.branch}, ?, 0, 0, ?, ?)`;
const PUT_NODE = `INSERT INTO history (tree_id, kind, branch_id, node_id, txn_id, event_count, crc, events)
  VALUES (?, ${KIND.node}, ?, ?, ?, ?, ?, ?)`;
const LOAD_NODES = `SELECT node_id, txn_id, event_count, crc, events FROM history
  WHERE tree_id = ? AND kind = ${KIND.node} AND branch_id = ? AND node_id >= ? AND node_id < ?`;
const LIST_BRANCHES = `SELECT branch, info FROM history WHERE tree_id = ? AND kind = ${KIND.branch}`;
const DELETE_BRANCH = `DELETE FROM history WHERE tree_id = ? AND kind = ${KIND.branch} AND branch_id = ?`;
const DELETE_NODES = `DELETE FROM history WHERE tree_id = ? AND kind = ${KIND.node} AND branch_id = ? AND node_id >= ?`;

export interface CassandraHistory extends HistoryStore {
  /** What goes before a shard's commit. Whatever goes wrong, that commit has then not begun: Unavailable, or Full. */
  writeBeforeCommit(nodes: readonly HistoryNode[], branches: readonly BranchRow[]): Promise<void>;
}

const ownerOf = (treeId: string, branchId: string): string => `${treeId}/${branchId}`;

/** One list of statements a tree. */
function statementsByTree(nodes: readonly HistoryNode[], branches: readonly BranchRow[]): Map<string, Statement[]> {
  const trees = new Map<string, Statement[]>();
  const add = (treeId: string, statement: Statement): void => {
    const statements = trees.get(treeId);
    if (statements === undefined) trees.set(treeId, [statement]);
    else statements.push(statement);
  };
  for (const { branch, info } of branches) {
    const value = toBlob(HistoryBranch.encode(branch).finish());
    add(branch.treeId, { query: PUT_BRANCH, params: [branch.treeId, branch.branchId, value, info] });
  }
  for (const { treeId, branchId, nodeId, txnId, blob, eventCount } of nodes) {
    const crc = checksum(blob, ownerOf(treeId, branchId), nodeId) | 0;
    add(treeId, { query: PUT_NODE, params: [treeId, branchId, nodeId, txnId, eventCount, crc, toBlob(blob)] });
  }
  return trees;
}

export function createCassandraHistory(session: CassandraSession): CassandraHistory {
  const writeNodes = async (
    what: string,
    nodes: readonly HistoryNode[],
    branches: readonly BranchRow[],
  ): Promise<void> => {
    if (nodes.length === 0 && branches.length === 0) return;
    await session.writeAll(what, statementsByTree(nodes, branches).values());
  };

  async function* loadSegment(treeId: string, segment: BranchSegment, fetchSize: number): AsyncIterable<HistoryNode> {
    const { branchId, fromNodeId, toNodeId } = segment;
    const owner = ownerOf(treeId, branchId);
    const params = [treeId, branchId, fromNodeId, toNodeId];
    for await (const page of session.pages<NodeRow>('readBranch', LOAD_NODES, params, fetchSize)) {
      for (const row of page) {
        const nodeId = toNumber(row.node_id);
        const describe = (): string => `events from ${nodeId} of history branch ${owner}`;
        const blob = verified(row.events, row.crc >>> 0, { owner, number: nodeId }, describe);
        yield { treeId, branchId, nodeId, txnId: toNumber(row.txn_id), blob, eventCount: row.event_count };
      }
    }
  }

  const listBranches = async (treeId: string): Promise<readonly BranchRow[]> => {
    const rows = await session.read<{ branch: Buffer; info: string }>('listBranches', LIST_BRANCHES, [treeId]);
    return rows.map(({ branch, info }) => ({ branch: decoded(HistoryBranch, branch, `history tree ${treeId}`), info }));
  };

  return {
    writeBeforeCommit: async (nodes, branches) => {
      try {
        await writeNodes('history of a commit', nodes, branches);
      } catch (error) {
        if (!(error instanceof StoreError) || error.kind !== 'Timeout') throw error;
        throw new StoreError('Unavailable', `${error.message}; the commit was not begun`, { cause: error });
      }
    },
    readBranch: (branch, range, options) => {
      const fetchSize = Math.min(Math.max(options.minEvents, 1) + 1, NODES_PER_PAGE);
      return readBranchPageAsync(branch, range, options, (segment) => loadSegment(branch.treeId, segment, fetchSize));
    },
    listBranches,
    appendNodes: (nodes, branches) => writeNodes('appendNodes', nodes, branches),
    deleteBranch: async (branch) => {
      const { treeId, branchId } = branch;
      const all = await listBranches(treeId);
      const remaining = all.map((row) => row.branch).filter((other) => other.branchId !== branchId);
      const statements = unreferencedNodes(branch, remaining).map((part) => ({
        query: DELETE_NODES,
        params: [treeId, part.branchId, part.fromNodeId],
      }));
      await session.write('deleteBranch', [{ query: DELETE_BRANCH, params: [treeId, branchId] }, ...statements]);
    },
  };
}
