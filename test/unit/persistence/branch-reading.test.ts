// Which nodes make up a branch, and which a deletion may take: against a model that follows events one by one.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { branchSegments, readBranchPage, unreferencedNodes } from '#persistence';

const branch = {
  treeId: 't',
  branchId: 'c',
  ancestors: [
    { branchId: 'a', endNodeId: 5 },
    { branchId: 'b', endNodeId: 9 },
  ],
};

describe('a branch', () => {
  it('takes each ancestor up to its end, then itself', () => {
    expect(branchSegments(branch, { minEventId: 1, maxEventId: 20 })).toEqual([
      { branchId: 'a', fromNodeId: 1, toNodeId: 5 },
      { branchId: 'b', fromNodeId: 5, toNodeId: 9 },
      { branchId: 'c', fromNodeId: 9, toNodeId: 20 },
    ]);
    expect(branchSegments(branch, { minEventId: 6, maxEventId: 8 })).toEqual([
      { branchId: 'b', fromNodeId: 6, toNodeId: 8 },
    ]);
    expect(branchSegments(branch, { minEventId: 9, maxEventId: 9 })).toEqual([]);
  });

  it('refuses a page token that it did not make', () => {
    for (const token of ['', 'x', '-1', '1.5', '1e400']) {
      const read = () =>
        readBranchPage(branch, { minEventId: 1, maxEventId: 9 }, { minEvents: 1, token: Buffer.from(token) }, () => []);
      expect(read, token).toThrowError(/invalid history page token/);
    }
  });

  it('reads the same batches in pages of any size', () => {
    const counts = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(counts, fc.integer({ min: 1, max: 12 }), (eventCounts, minEvents) => {
        let next = 1;
        const nodes = eventCounts.map((eventCount) => {
          const nodeId = next;
          next += eventCount;
          const blob = new Uint8Array();
          return {
            treeId: 't',
            branchId: nodeId < 5 ? 'a' : nodeId < 9 ? 'b' : 'c',
            nodeId,
            txnId: 1,
            blob,
            eventCount,
          };
        });
        const read: number[] = [];
        let token: Uint8Array | undefined;
        do {
          const page = readBranchPage(branch, { minEventId: 1, maxEventId: next }, { minEvents, token }, (segment) =>
            nodes.filter(
              ({ branchId, nodeId }) =>
                branchId === segment.branchId && nodeId >= segment.fromNodeId && nodeId < segment.toNodeId,
            ),
          );
          read.push(...page.items.map((item) => item.nodeId));
          token = page.nextToken;
        } while (token !== undefined);
        expect(read).toEqual(nodes.map((item) => item.nodeId));
      }),
    );
  });
});

describe('deleting a branch', () => {
  it('takes only what no other branch refers to', () => {
    const a = { treeId: 't', branchId: 'a', ancestors: [] };
    const b = { treeId: 't', branchId: 'b', ancestors: [{ branchId: 'a', endNodeId: 5 }] };
    expect(unreferencedNodes(a, [])).toEqual([{ branchId: 'a', fromNodeId: 0 }]);
    expect(unreferencedNodes(a, [b])).toEqual([{ branchId: 'a', fromNodeId: 5 }]);
    expect(unreferencedNodes(b, [a])).toEqual([{ branchId: 'b', fromNodeId: 0 }]);
    expect(unreferencedNodes(branch, [b])).toEqual([
      { branchId: 'a', fromNodeId: 5 },
      { branchId: 'c', fromNodeId: 0 },
    ]);
  });
});
