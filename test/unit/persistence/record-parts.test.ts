// A large record in parts: together they are the record, and a step writes what it changed.
import { ActivityInfo, ExecutionRecord, TimerInfo } from '@antiphon/proto/internal';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changedParts, joinRecord, splitRecord } from '../../../src/persistence/cassandra/record-parts.ts';

const encode = (record: ExecutionRecord): Buffer => Buffer.from(ExecutionRecord.encode(record).finish());

const activity = (scheduleId: number, activityId = `activity-${scheduleId}`) =>
  ActivityInfo.fromPartial({ version: 1, scheduleId, activityId, activityType: 'charge-the-card' });

function recordOf(activityCount: number, timerCount = 0): ExecutionRecord {
  return ExecutionRecord.fromPartial({
    info: { workflowId: 'w', runId: 'r', nextEventId: 9, workflowType: 'x'.repeat(200) },
    activities: Array.from({ length: activityCount }, (_, index) => activity(index + 5)),
    timers: Array.from({ length: timerCount }, (_, index) =>
      TimerInfo.fromPartial({ timerId: `timer ${timerCount - index}`, startedId: index + 3, expiryTimeMs: 7 }),
    ),
    bufferedEvents: [{ eventId: 12n, version: 3n }],
    versionHistories: { currentIndex: 0, histories: [{ items: [{ eventId: 3, version: 1 }] }] },
  });
}

const join = (split: NonNullable<ReturnType<typeof splitRecord>>): Buffer => {
  const inOrder = [...split.parts.values()].sort((a, b) => a.field - b.field || (a.item < b.item ? -1 : 1));
  return joinRecord(
    split.rest,
    inOrder.map(({ bytes }) => bytes),
  );
};

const split = (record: ExecutionRecord) => {
  const parts = splitRecord(encode(record));
  if (parts === undefined) throw new Error('not split');
  return parts;
};

describe('a record in parts', () => {
  it('is the same record when it is put together, its elements in their order', () => {
    const record = recordOf(2_000, 50);
    const parts = split(record);
    expect(parts.parts.size).toBe(2_050);
    expect(parts.rest.length).toBeLessThan(1_000);
    expect(ExecutionRecord.decode(join(parts))).toEqual(ExecutionRecord.decode(encode(record)));
  });

  it('stays whole while it is small, and when it is no record', () => {
    expect(splitRecord(encode(recordOf(10)))).toBeUndefined();
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), (noise) => {
        const bytes = Buffer.alloc(40_000, Buffer.from(noise));
        const parts = splitRecord(bytes);
        if (parts === undefined) return;
        expect(join(parts)).toHaveLength(bytes.length);
      }),
    );
    expect(splitRecord(Buffer.alloc(40_000, 0xff))).toBeUndefined();
    const twice = recordOf(1_000);
    twice.activities.push(activity(5, 'again'));
    expect(splitRecord(encode(twice))).toBeUndefined();
  });

  it('changes by what a step changed', () => {
    const before = recordOf(3_000);
    const after = structuredClone(before);
    after.activities[7] = activity(12, 'started');
    after.activities.splice(20, 1);
    after.activities.push(activity(9_000));
    const { written, removed } = changedParts(split(before).parts, split(after).parts);
    expect(written.map(({ item }) => Number(item)).sort((a, b) => a - b)).toEqual([12, 9_000]);
    expect(removed.map(({ item }) => Number(item))).toEqual([25]);
    expect(changedParts(split(before).parts, split(before).parts)).toEqual({ written: [], removed: [] });
  });
});
