import { ExecutionInfo } from '@antiphon/proto/internal';
import { describe, expect, it } from 'vitest';
import { copyInfo, newInfo } from '../../../src/core/execution-info.ts';

const identity = {
  domainId: 'd',
  workflowId: 'w',
  runId: 'r',
  requestId: 'q',
  branch: { treeId: 't', branchId: 'b', ancestors: [] },
};

describe('copyInfo', () => {
  it('copies each field', () => {
    // A value of its own for each, so that a mixed-up field shows.
    const info = Object.fromEntries(Object.keys(newInfo(identity)).map((name) => [name, `value of ${name}`]));
    const copy = copyInfo(info as unknown as ExecutionInfo);
    expect(copy).toEqual(info);
    expect(copy).not.toBe(info);
  });

  it('has the fields in the order of new and of decoded ones: one shape', () => {
    const decoded = ExecutionInfo.decode(ExecutionInfo.encode(newInfo(identity)).finish());
    const names = Object.keys(decoded);
    expect(Object.keys(newInfo(identity))).toEqual(names);
    expect(Object.keys(copyInfo(decoded))).toEqual(names);
  });
});
