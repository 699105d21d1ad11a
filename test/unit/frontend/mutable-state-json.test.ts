// The state of a run in the form that Cadence's admin tools decode.
import { ExecutionRecord } from '@antiphon/proto/internal';
import { describe, expect, it } from 'vitest';
import { branchToken, cadenceMutableState } from '../../../src/frontend/mutable-state-json.ts';

describe("mutable state in Cadence's form", () => {
  it('encodes a branch in ThriftRW', () => {
    const token = branchToken({ treeId: 'T', branchId: 'B2', ancestors: [{ branchId: 'B1', endNodeId: 5 }] });
    expect(Buffer.from(token).toString('hex')).toBe(
      [
        '59', // version
        '0b000a00000001' + '54', // 10: "T"
        '0b001400000002' + '4232', // 20: "B2"
        '0f001e0c00000001', // 30: a list of one struct
        '0b000a00000002' + '4231', // 10: "B1"
        '0a00140000000000000001', // 20: from node 1
        '0a001e0000000000000005', // 30: to node 5
        '00', // end of the struct in the list
        '00',
      ].join(''),
    );
  });

  it('names ids, levels, pending activities and version histories as Go does', () => {
    const record = ExecutionRecord.fromPartial({
      info: { domainId: 'd', workflowId: 'w', runId: 'r', nextEventId: 7, workflowType: 'order', state: 2 },
      activities: [{ scheduleId: 5, activityId: 'a', attempt: 2 }],
      versionHistories: {
        currentIndex: 0,
        histories: [{ branch: { treeId: 'T', branchId: 'B' }, items: [{ eventId: 6, version: 10 }] }],
      },
    });
    const state = JSON.parse(cadenceMutableState(JSON.stringify(ExecutionRecord.toJSON(record)))) as object;
    expect(state).toMatchObject({
      ExecutionInfo: {
        DomainID: 'd',
        WorkflowID: 'w',
        RunID: 'r',
        NextEventID: 7,
        WorkflowTypeName: 'order',
        State: 1,
      },
      ActivityInfos: { 5: { ScheduleID: 5, ActivityID: 'a', Attempt: 2 } },
      VersionHistories: { CurrentVersionHistoryIndex: 0, Histories: [{ Items: [{ EventID: 6, Version: 10 }] }] },
    });
  });
});
