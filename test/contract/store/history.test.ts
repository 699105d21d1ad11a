// The history port: branches of a tree. Every driver.
import type { HistoryBranch } from '@antiphon/proto/internal';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isStoreError } from '#base';
import { branchOf, branchRow, DRIVERS, emptyCommit, node, type OpenedStore, textOf } from './drivers.ts';

const ALL = { minEventId: 1, maxEventId: Number.MAX_SAFE_INTEGER };

describe.each(DRIVERS)('the history port of $name', ({ open }) => {
  let opened: OpenedStore;
  beforeEach(async () => {
    opened = await open();
  });
  afterEach(() => opened.dispose());
  const history = () => opened.store.history;

  const read = async (branch: HistoryBranch, range = ALL, minEvents = 1000): Promise<string[]> => {
    const texts: string[] = [];
    let token: Uint8Array | undefined;
    do {
      const page = await history().readBranch(branch, range, { minEvents, token });
      texts.push(...page.items.map((item) => textOf(item.blob)));
      token = page.nextToken;
    } while (token !== undefined);
    return texts;
  };

  it('reads batches in order, within the range', async () => {
    const branch = branchOf('tree', 'a');
    await history().appendNodes([node(branch, 4, 2), node(branch, 1, 3), node(branch, 6, 1)], [branchRow(branch)]);
    expect(await read(branch)).toEqual(['a:1:10', 'a:4:40', 'a:6:60']);
    expect(await read(branch, { minEventId: 4, maxEventId: 6 })).toEqual(['a:4:40']);
    expect(await read(branch, { minEventId: 2, maxEventId: 6 })).toEqual(['a:4:40']);
    expect(await read(branch, { minEventId: 7, maxEventId: 100 })).toEqual([]);
    expect(await read(branchOf('tree', 'none'))).toEqual([]);
    const [first] = (await history().readBranch(branch, ALL, { minEvents: 1 })).items;
    expect(first).toMatchObject({ treeId: 'tree', branchId: 'a', nodeId: 1, txnId: 10, eventCount: 3 });
  });

  it('pages by event count', async () => {
    const branch = branchOf('tree', 'a');
    const nodes = [node(branch, 1, 3), node(branch, 4, 3), node(branch, 7, 3), node(branch, 10, 3)];
    await history().appendNodes(nodes, [branchRow(branch)]);
    const page = await history().readBranch(branch, ALL, { minEvents: 4 });
    expect(page.items.map((item) => item.nodeId)).toEqual([1, 4]);
    const next = await history().readBranch(branch, ALL, { minEvents: 4, token: page.nextToken });
    expect(next.items.map((item) => item.nodeId)).toEqual([7, 10]);
    expect(next.nextToken).toBeUndefined();
    expect(await read(branch, ALL, 1)).toHaveLength(4);
  });

  it('prefers the larger txn id of two nodes of one id, whichever came first', async () => {
    const branch = branchOf('tree', 'a');
    await history().appendNodes([node(branch, 1, 2, 5), node(branch, 3, 4, 9)], [branchRow(branch)]);
    await history().appendNodes([node(branch, 1, 2, 7), node(branch, 3, 2, 8)], []);
    expect(await read(branch)).toEqual(['a:1:7', 'a:3:9']);
    await history().appendNodes([node(branch, 3, 2, 20), node(branch, 5, 1, 21)], []);
    expect(await read(branch)).toEqual(['a:1:7', 'a:3:20', 'a:5:21']);
  });

  it('skips a leftover node that overlaps the true ones', async () => {
    const branch = branchOf('tree', 'a');
    await history().appendNodes(
      [node(branch, 1, 2), node(branch, 3, 1, 11), node(branch, 4, 2, 12)],
      [branchRow(branch)],
    );
    await history().appendNodes([node(branch, 3, 4, 20), node(branch, 7, 1, 21)], []);
    expect(await read(branch, ALL, 1)).toEqual(['a:1:10', 'a:3:20', 'a:7:21']);
  });

  it('reports a hole in a branch as corrupt', async () => {
    const branch = branchOf('tree', 'a');
    await history().appendNodes([node(branch, 1, 2), node(branch, 4, 1)], [branchRow(branch)]);
    await expect(read(branch)).rejects.toSatisfy((error) => isStoreError(error, 'Corrupt'));
  });

  it('forks: the new branch sees its ancestors up to the fork, then its own', async () => {
    const a = branchOf('tree', 'a');
    const b = branchOf('tree', 'b', [{ branchId: 'a', endNodeId: 5 }]);
    const c = branchOf('tree', 'c', [
      { branchId: 'a', endNodeId: 5 },
      { branchId: 'b', endNodeId: 7 },
    ]);
    await history().appendNodes([node(a, 1, 2), node(a, 3, 2), node(a, 5, 2)], [branchRow(a)]);
    await history().appendNodes([node(b, 5, 2), node(b, 7, 2)], [branchRow(b)]);
    await history().appendNodes([node(c, 7, 1)], [branchRow(c)]);
    expect(await read(a)).toEqual(['a:1:10', 'a:3:30', 'a:5:50']);
    expect(await read(b, ALL, 1)).toEqual(['a:1:10', 'a:3:30', 'b:5:50', 'b:7:70']);
    expect(await read(c, ALL, 3)).toEqual(['a:1:10', 'a:3:30', 'b:5:50', 'c:7:70']);
    expect(await history().listBranches('tree')).toEqual([branchRow(a), branchRow(b), branchRow(c)]);
  });

  it('deletes a branch but keeps the nodes that others refer to', async () => {
    const a = branchOf('tree', 'a');
    const b = branchOf('tree', 'b', [{ branchId: 'a', endNodeId: 3 }]);
    const c = branchOf('tree', 'c', [{ branchId: 'a', endNodeId: 5 }]);
    await history().appendNodes([node(a, 1, 2), node(a, 3, 2), node(a, 5, 2)], [branchRow(a)]);
    await history().appendNodes([node(b, 3, 1), node(c, 5, 1)], [branchRow(b), branchRow(c)]);
    await history().deleteBranch(a);
    expect((await history().listBranches('tree')).map((row) => row.branch.branchId)).toEqual(['b', 'c']);
    expect(await read(b)).toEqual(['a:1:10', 'b:3:30']);
    expect(await read(c)).toEqual(['a:1:10', 'a:3:30', 'c:5:50']);
    expect(await read(a)).toEqual(['a:1:10', 'a:3:30']);
    await history().deleteBranch(c);
    expect(await read(a)).toEqual(['a:1:10']);
    expect(await read(b)).toEqual(['a:1:10', 'b:3:30']);
    await history().deleteBranch(b);
    await history().deleteBranch(b);
    expect(await read(a)).toEqual([]);
    expect(await read(b)).toEqual([]);
    expect(await history().listBranches('tree')).toEqual([]);
    await history().appendNodes([node(a, 1, 1)], [branchRow(a)]);
    expect(await read(a)).toEqual(['a:1:10']);
  });

  it('keeps the ancestors of a deleted fork', async () => {
    const a = branchOf('tree', 'a');
    const b = branchOf('tree', 'b', [{ branchId: 'a', endNodeId: 3 }]);
    await history().appendNodes([node(a, 1, 2), node(a, 3, 2), node(b, 3, 1)], [branchRow(a), branchRow(b)]);
    await history().deleteBranch(b);
    expect(await read(a)).toEqual(['a:1:10', 'a:3:30']);
  });

  it('shows histories of a shard commit after a restart', async () => {
    await opened.store.shards.acquireShard(1, 'a', 1);
    const branch = branchOf('tree', 'a');
    const commit = { ...emptyCommit, nodes: [node(branch, 1, 3)], branches: [branchRow(branch)] };
    await opened.store.shards.commit(1, 1, commit);
    await opened.store.shards.commit(1, 1, { ...emptyCommit, nodes: [node(branch, 4, 1)] });
    await opened.reopen();
    expect(await read(branch)).toEqual(['a:1:10', 'a:4:40']);
    expect(await history().listBranches('tree')).toEqual([branchRow(branch)]);
  });

  it('accepts nodes before their branch is listed', async () => {
    const branch = branchOf('tree', 'a');
    await history().appendNodes([node(branch, 1, 3)], []);
    expect(await read(branch)).toEqual(['a:1:10']);
    expect(await history().listBranches('tree')).toEqual([]);
    await history().appendNodes([node(branch, 4, 1)], [branchRow(branch)]);
    expect(await read(branch)).toEqual(['a:1:10', 'a:4:40']);
    expect(await history().listBranches('tree')).toEqual([branchRow(branch)]);
  });
});
