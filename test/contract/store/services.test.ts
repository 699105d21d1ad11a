// The task list, domain, log and key-value ports. Every driver.
import { Domain } from '@antiphon/proto';
import { DomainRecord } from '@antiphon/proto/internal';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isStoreError } from '#base';
import type { BacklogTask } from '#persistence';
import { bytes, DOMAIN_ID, DRIVERS, type OpenedStore, textOf } from './drivers.ts';

const conditionFailed = (error: unknown): boolean => isStoreError(error, 'ConditionFailed');

const backlogTask = (taskId: number): BacklogTask => ({
  taskId,
  workflowId: 'w',
  runId: 'r',
  scheduleId: 5,
  attempt: 1,
  createdMs: 1_700_000_000_000,
  expiresMs: 0,
  priority: 3,
  fairnessKey: '',
  fairnessWeight: 1,
});

const laneTask = (taskId: number, priority: number, fairnessKey: string, fairnessWeight = 1): BacklogTask => ({
  ...backlogTask(taskId),
  priority,
  fairnessKey,
  fairnessWeight,
});

const domainRecord = (id: string, name: string, overrides: Partial<DomainRecord> = {}): DomainRecord => ({
  ...DomainRecord.decode(new Uint8Array()),
  domain: { ...Domain.decode(new Uint8Array()), id, name },
  ...overrides,
});

describe.each(DRIVERS)('the service ports of $name', ({ open }) => {
  let opened: OpenedStore;
  beforeEach(async () => {
    opened = await open();
  });
  afterEach(() => opened.dispose());

  describe('task lists', () => {
    const lists = () => opened.store.taskLists;
    const key = { domainId: DOMAIN_ID, name: 'tl', type: 1 };
    const ids = async (after = 0, limit = 100) =>
      (await lists().loadTasks(key, after, limit)).map((task) => task.taskId);

    it('fences appends, completion and deletion by the newest lease', async () => {
      expect(await lists().leaseTaskList(key, 1, 5)).toEqual({ rangeId: 1, ackLevel: 0 });
      await lists().appendTasks(key, 1, [backlogTask(1)]);
      expect(await lists().leaseTaskList(key, 1, 6)).toEqual({ rangeId: 2, ackLevel: 0 });
      await expect(lists().appendTasks(key, 1, [backlogTask(2)])).rejects.toSatisfy(conditionFailed);
      await expect(lists().completeTasks(key, 1, 1)).rejects.toSatisfy(conditionFailed);
      await expect(lists().deleteTaskList(key, 1)).rejects.toSatisfy(conditionFailed);
      await expect(lists().appendTasks({ ...key, type: 2 }, 1, [])).rejects.toSatisfy(conditionFailed);
      expect(await ids()).toEqual([1]);
    });

    it('keeps tasks in id order, deletes completed ones, remembers the ack level', async () => {
      await lists().leaseTaskList(key, 1, 5);
      await lists().appendTasks(key, 1, [backlogTask(2 ** 40), backlogTask(3), backlogTask(1)]);
      expect(await ids()).toEqual([1, 3, 2 ** 40]);
      expect(await ids(1, 1)).toEqual([3]);
      expect((await lists().loadTasks(key, 2, 1))[0]).toEqual(backlogTask(3));
      await lists().completeTasks(key, 1, 3);
      await opened.reopen();
      expect(await ids()).toEqual([2 ** 40]);
      expect(await lists().leaseTaskList(key, 2, 9)).toEqual({ rangeId: 2, ackLevel: 3 });
      expect(await lists().listTaskLists()).toEqual([{ ...key, kind: 2, ackLevel: 3, updatedMs: 9 }]);
    });

    it('keeps tasks with a priority or a fairness key in lanes, beside the ack level', async () => {
      await lists().leaseTaskList(key, 1, 5);
      const ofB = [laneTask(2, 3, 'b', 2.5), laneTask(7, 3, 'b')];
      await lists().appendTasks(key, 1, [
        backlogTask(1),
        ...ofB,
        laneTask(4, 1, ''),
        laneTask(5, 3, 'a'),
        laneTask(6, 3, 'é'),
      ]);
      expect(await ids()).toEqual([1]);
      const start = { priority: 1, fairnessKey: '' };
      const lanes = [
        start,
        { priority: 3, fairnessKey: 'a' },
        { priority: 3, fairnessKey: 'b' },
        { priority: 3, fairnessKey: 'é' },
      ];
      expect(await lists().loadLanes(key, start, 10)).toEqual(lanes);
      expect(await lists().loadLanes(key, { priority: 3, fairnessKey: 'a\u0000' }, 1)).toEqual(lanes.slice(2, 3));
      expect(await lists().loadLanes({ ...key, name: 'other' }, start, 10)).toEqual([]);
      expect(await lists().loadTaskCount(key, 100)).toBe(6);
      expect(await lists().loadTaskCount(key, 3)).toBe(3);
      await lists().completeTasks(key, 1, 100);
      await opened.reopen();
      const b = { priority: 3, fairnessKey: 'b' };
      expect(await lists().loadLaneTasks(key, b, 0, 10)).toEqual(ofB);
      expect(await lists().loadLaneTasks(key, b, 2, 1)).toEqual(ofB.slice(1));
      expect(await lists().loadTaskCount(key, 100)).toBe(5);
      await expect(lists().deleteLaneTasks(key, 2, ofB)).rejects.toSatisfy(conditionFailed);
      await lists().deleteLaneTasks(key, 1, [
        { ...b, taskId: 2 },
        { ...b, taskId: 99 },
      ]);
      expect(await lists().loadLaneTasks(key, b, 0, 10)).toEqual(ofB.slice(1));
    });

    it('deletes a list with its tasks', async () => {
      await lists().leaseTaskList(key, 1, 5);
      await lists().appendTasks(key, 1, [backlogTask(1), laneTask(2, 1, '')]);
      await lists().deleteTaskList(key, 1);
      expect(await lists().listTaskLists()).toEqual([]);
      await lists().leaseTaskList(key, 1, 5);
      expect(await ids()).toEqual([]);
    });
  });

  describe('domains', () => {
    const domains = () => opened.store.domains;

    it('creates once by id and by name, in a total order', async () => {
      const a = await domains().createDomain(domainRecord('id-a', 'a', { configVersion: 4 }));
      const b = await domains().createDomain(domainRecord('id-b', 'b'));
      expect(b.notificationVersion).toBeGreaterThan(a.notificationVersion);
      await expect(domains().createDomain(domainRecord('id-a', 'c'))).rejects.toSatisfy(conditionFailed);
      await expect(domains().createDomain(domainRecord('id-c', 'a'))).rejects.toSatisfy(conditionFailed);
      expect(await domains().notificationVersion()).toBe(b.notificationVersion);
      await opened.reopen();
      expect(await domains().findDomain({ id: 'id-a' })).toEqual(a);
      expect(await domains().findDomain({ name: 'b' })).toEqual(b);
      expect(await domains().findDomain({ name: 'id-a' })).toBeUndefined();
      expect((await domains().listDomains()).map((record) => record.domain?.name)).toEqual(['a', 'b']);
    });

    it('updates only from the version that was read', async () => {
      const first = await domains().createDomain(domainRecord('id-a', 'a'));
      const second = await domains().updateDomain({ ...first, configVersion: 1 }, first.notificationVersion);
      expect(second.notificationVersion).toBeGreaterThan(first.notificationVersion);
      const stale = domains().updateDomain({ ...first, configVersion: 9 }, first.notificationVersion);
      await expect(stale).rejects.toSatisfy(conditionFailed);
      await expect(domains().updateDomain(domainRecord('none', 'none'), 0)).rejects.toSatisfy(conditionFailed);
      expect((await domains().findDomain({ id: 'id-a' }))?.configVersion).toBe(1);
    });

    it('lets exactly one of two concurrent updates win', async () => {
      const { notificationVersion, ...first } = await domains().createDomain(domainRecord('id-a', 'a'));
      const update = (configVersion: number) =>
        domains().updateDomain({ ...first, notificationVersion, configVersion }, notificationVersion);
      const outcomes = await Promise.allSettled([update(1), update(2)]);
      expect(outcomes.map((outcome) => outcome.status).toSorted()).toEqual(['fulfilled', 'rejected']);
    });

    it('deletes, and tells watchers', async () => {
      const { notificationVersion } = await domains().createDomain(domainRecord('id-a', 'a'));
      await domains().deleteDomain('id-a');
      expect(await domains().listDomains()).toEqual([]);
      expect(await domains().notificationVersion()).toBeGreaterThan(notificationVersion);
      await domains().createDomain(domainRecord('id-z', 'a'));
    });
  });

  describe('log', () => {
    const log = () => opened.store.log;
    const entry = (key: string) => ({ key, value: bytes(`value ${key}`), timeMs: 1_700_000_000_000 });

    it('gives dense offsets per topic and partition', async () => {
      expect(await log().append('t', 0, [entry('a'), entry('b')])).toBe(2);
      expect(await log().append('t', 1, [entry('x')])).toBe(1);
      expect(await log().append('t', 0, [entry('c')])).toBe(3);
      expect(await log().append('t', 0, [])).toBe(3);
      const entries = await log().read('t', 0, 0, 10);
      expect(entries.map(({ offset, key, value }) => [offset, key, textOf(value)])).toEqual([
        [1, 'a', 'value a'],
        [2, 'b', 'value b'],
        [3, 'c', 'value c'],
      ]);
      expect((await log().read('t', 0, 1, 1)).map((item) => item.offset)).toEqual([2]);
      expect(await log().read('other', 0, 0, 10)).toEqual([]);
    });

    it('orders concurrent appends without gaps', async () => {
      const offsets = await Promise.all(
        Array.from({ length: 20 }, (_, index) => log().append('t', 0, [entry(`${index}`)])),
      );
      expect(offsets).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    });

    it('trims without reusing offsets', async () => {
      await log().append('t', 0, [entry('a'), entry('b'), entry('c')]);
      await log().trim('t', 0, 2);
      expect((await log().read('t', 0, 0, 10)).map((item) => item.key)).toEqual(['c']);
      await log().trim('t', 0, 3);
      await opened.reopen();
      expect(await log().lastOffset('t', 0)).toBe(3);
      expect(await log().append('t', 0, [entry('d')])).toBe(4);
    });

    it('remembers positions per consumer, and none goes back', async () => {
      expect(await log().loadOffset('c', 't', 0)).toBe(0);
      await log().saveOffset('c', 't', 0, 7);
      await log().saveOffset('d', 't', 0, 9);
      await log().saveOffset('c', 't', 1, 2);
      await log().saveOffset('c', 't', 0, 5);
      await opened.reopen();
      expect(await log().loadOffset('c', 't', 0)).toBe(7);
      expect(await log().loadOffset('d', 't', 0)).toBe(9);
    });
  });

  describe('key-values', () => {
    const values = () => opened.store.keyValues;

    it('compares and sets by version', async () => {
      await values().put('b', 'k', bytes('1'), 0);
      await expect(values().put('b', 'k', bytes('x'), 0)).rejects.toSatisfy(conditionFailed);
      await values().put('b', 'k', bytes('2'), 1);
      await expect(values().put('b', 'k', bytes('x'), 1)).rejects.toSatisfy(conditionFailed);
      await opened.reopen();
      const stored = await values().get('b', 'k');
      expect([textOf(stored?.value), stored?.version]).toEqual(['2', 2]);
      expect(await values().get('other', 'k')).toBeUndefined();
      await values().remove('b', 'k');
      expect(await values().get('b', 'k')).toBeUndefined();
      await values().put('b', 'k', bytes('3'), 0);
    });

    it('lists by prefix, in byte order, page by page', async () => {
      for (const key of ['a/1', 'a/2', 'a/é', 'a/😀', 'a/ﬀ', 'a', 'b', 'a0'])
        await values().put('b', key, bytes(key), 0);
      const all = await values().list('b', 'a/', '', 10);
      expect(all.map((row) => row.key)).toEqual(['a/1', 'a/2', 'a/é', 'a/ﬀ', 'a/😀']);
      expect((await values().list('b', 'a/', 'a/1', 2)).map((row) => row.key)).toEqual(['a/2', 'a/é']);
      expect((await values().list('b', '', '', 3)).map((row) => row.key)).toEqual(['a', 'a/1', 'a/2']);
    });
  });
});
