import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createMemoryBlobStore } from '#blob/memory';
import { createMemoryStore } from '#persistence/memory';
import {
  blobsOf,
  closedRun,
  createFixture,
  DAY_1,
  DAY_2,
  defaultBatches,
  event,
  failingPuts,
  URI,
} from './archive-fixture.ts';

const everything = { size: 1000, token: new Uint8Array() };
const refOf = (run: { domainId: string; workflowId: string; runId: string }) => ({ ...run, historyUri: URI });

describe('archiver', () => {
  it('gives back every batch byte for byte', async () => {
    const { archiver, archiveAll } = createFixture();
    const odd = [
      [event(1, 'nanos', new Uint8Array([1]), 123)],
      [{ ...event(2, 'ü\u0000\n"', Buffer.from('x')), version: -24n }],
    ];
    const runs = [closedRun({ runId: 'r1' }), closedRun({ runId: 'r2', batches: odd })];
    await archiveAll(runs);
    const first = await archiver.readHistory(refOf(runs[0]!), everything);
    expect(first?.historyBlobs.map((b) => Buffer.from(b))).toEqual(
      blobsOf(defaultBatches('r1')).map((b) => Buffer.from(b)),
    );
    const second = await archiver.readHistory(refOf(runs[1]!), everything);
    expect(second?.historyBlobs.map((b) => Buffer.from(b))).toEqual(blobsOf(odd).map((b) => Buffer.from(b)));
  });

  it('packs runs of one day into one object that a person can read, with a manifest', async () => {
    const { archiveAll, keys, blob } = createFixture();
    await archiveAll([closedRun({ runId: 'r1' }), closedRun({ runId: 'r2' })]);
    const all = await keys();
    expect(all.filter((key) => key.includes('histories'))).toHaveLength(1);
    expect(all).toContain('orders.id-of-or/region-a/manifests/000000000001.json');
    const key = all.find((name) => name.includes('histories'))!;
    expect(key).toMatch(/^orders\.id-of-or\/region-a\/2026\/11\/20\/12000\d-[0-9a-f]{8}\.histories-001\.jsonl\.gz$/);
    const lines = gunzipSync((await blob.get(key))!)
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatchObject({ domain: 'orders', runId: 'r1', workflowType: 'Order', eventCount: 3 });
    expect(lines[0].batches[0][0].workflowExecutionSignaledEventAttributes.signalName).toBe('start r1');
  });

  it('archives a run once, also when asked at the same time and again', async () => {
    const { archiveAll, keys } = createFixture();
    const run = closedRun({ runId: 'r1' });
    const again = closedRun({ runId: 'r1' });
    await archiveAll([run, again]);
    const before = await keys();
    await archiveAll([run]);
    expect(await keys()).toEqual(before);
  });

  describe('when conflict resolution gave an archived run other events', () => {
    const lost = closedRun({ runId: 'r1', closeFailoverVersion: 11 });
    const wonBatches = [...defaultBatches('r1').slice(0, 1), [event(3, 'of the winner', new Uint8Array())]];
    const won = closedRun({ runId: 'r1', closeFailoverVersion: 22, batches: wonBatches, closeMs: DAY_2 });
    const expectWinner = async ({ archiver, inspector }: ReturnType<typeof createFixture>) => {
      const read = await archiver.readHistory(refOf(won), everything);
      expect(read?.historyBlobs.map((b) => Buffer.from(b))).toEqual(blobsOf(wonBatches).map((b) => Buffer.from(b)));
      const shown = await inspector.showArchive({ uri: URI, domainId: won.domainId }, won);
      expect(shown.lines.map((line) => line.closeFailoverVersion)).toEqual([22]);
    };

    it('archives it again, reads the newest, and keeps the older one in the chain', async () => {
      const fixture = createFixture();
      await fixture.archiveAll([lost]);
      await fixture.archiveAll([won]);
      await expectWinner(fixture);
      const name = { uri: URI, domainId: won.domainId };
      expect(await fixture.inspector.verify(name)).toMatchObject({ isIntact: true, runsChecked: 2 });
      const before = await fixture.keys();
      await fixture.archiveAll([won]);
      expect(await fixture.keys()).toEqual(before);
    });

    it('archives both when they are asked for at the same time', async () => {
      const fixture = createFixture();
      const results = await fixture.archiveAll([lost, won]);
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
      await expectWinner(fixture);
      expect(await fixture.inspector.verify({ uri: URI, domainId: won.domainId })).toMatchObject({ runsChecked: 2 });
    });

    it('goes on reading the newest when the older one is archived last', async () => {
      const fixture = createFixture();
      await fixture.archiveAll([won]);
      await fixture.archiveAll([lost]);
      await expectWinner({ ...fixture });
    });

    it('lists it once, and finds the newest after the locators were made again', async () => {
      const fixture = createFixture();
      await fixture.archiveAll([lost]);
      await fixture.archiveAll([won]);
      const domain = { id: won.domainId, visibilityUri: URI };
      const { executions } = await fixture.archiver.list(domain, '', everything);
      expect(executions.map(({ closeTime }) => Number(closeTime?.seconds) * 1000)).toEqual([DAY_2]);
      const restored = createFixture({ blob: fixture.blob, keyValues: createMemoryStore().keyValues });
      await restored.inspector.reindex({ uri: URI, domainId: won.domainId });
      await expectWinner(restored);
    });

    it('archives it again when its number of events grew under the same version', async () => {
      const fixture = createFixture();
      const shorter = closedRun({ runId: 'r1', closeFailoverVersion: 22, batches: wonBatches.slice(0, 1) });
      await fixture.archiveAll([shorter]);
      await fixture.archiveAll([won]);
      await expectWinner(fixture);
    });
  });

  it('splits a long history over parts and reads it in pages of whole batches', async () => {
    const { archiver, archiveAll, inspector } = createFixture({ partBytesMax: 4000 });
    const batches = Array.from({ length: 40 }, (_, i) => [
      event(2 * i + 1, 'a', new Uint8Array(300).fill(i)),
      event(2 * i + 2, 'b', new Uint8Array(10)),
    ]);
    const run = closedRun({ runId: 'long', batches });
    await archiveAll([closedRun({ runId: 'before' }), run, closedRun({ runId: 'after' })]);
    const read: Uint8Array[] = [];
    let token: Uint8Array = new Uint8Array();
    do {
      const page = await archiver.readHistory(refOf(run), { size: 7, token });
      expect(page!.historyBlobs.length).toBeLessThanOrEqual(4);
      read.push(...page!.historyBlobs);
      token = page!.nextPageToken;
    } while (token.length > 0);
    expect(read.map((b) => Buffer.from(b))).toEqual(blobsOf(batches).map((b) => Buffer.from(b)));
    const report = await inspector.verify({ uri: URI, domainId: run.domainId });
    expect(report).toMatchObject({ isIntact: true, runsChecked: 3, eventsChecked: 86 });
    expect(report.partsChecked).toBeGreaterThan(3);
  });

  it('does not know a run that was not archived, and refuses a foreign token', async () => {
    const { archiver, archiveAll } = createFixture();
    const run = closedRun({ runId: 'r1' });
    await archiveAll([run]);
    expect(await archiver.readHistory(refOf(closedRun({ runId: 'r2' })), everything)).toBeUndefined();
    const foreign = { size: 1, token: Buffer.from('{"evil":1}') };
    await expect(archiver.readHistory(refOf(run), foreign)).rejects.toMatchObject({ kind: 'BadRequest' });
  });

  it('keeps one run that cannot be read from holding up the others', async () => {
    const { archiver, archiveAll } = createFixture();
    const broken = {
      ...closedRun({ runId: 'broken' }),
      async *readBatches(): AsyncGenerator<Uint8Array> {
        yield* blobsOf(defaultBatches('broken')).slice(0, 1);
        throw new Error('store is down');
      },
    };
    const results = await archiveAll([closedRun({ runId: 'r1' }), broken, closedRun({ runId: 'r2' })]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await archiver.readHistory(refOf(closedRun({ runId: 'r2' })), everything)).toBeDefined();
    expect(await archiver.readHistory(refOf(broken), everything)).toBeUndefined();
  });

  it.each([
    ['a histories part', /histories/],
    ['the runs object', /runs\.jsonl/],
    ['the manifest', /manifests/],
  ])('fails the whole pack when %s cannot be written, and succeeds when tried again', async (_what, matching) => {
    const blob = createMemoryBlobStore();
    const { archiveAll, inspector, archiver } = createFixture({ blob: failingPuts(blob, matching, 1) });
    const runs = [closedRun({ runId: 'r1' }), closedRun({ runId: 'r2' })];
    const first = await archiveAll(runs);
    expect(first.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await archiver.readHistory(refOf(runs[0]!), everything)).toBeUndefined();
    const second = await archiveAll(runs);
    expect(second.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
    const report = await inspector.verify({ uri: URI, domainId: runs[0]!.domainId });
    expect(report).toMatchObject({ isIntact: true, manifests: 1, runsChecked: 2 });
  });

  it('finishes a pack whose manifest was written before a crash, without archiving its runs twice', async () => {
    const blob = createMemoryBlobStore();
    const { keyValues } = createMemoryStore();
    const crashing = { ...keyValues, put: () => Promise.reject(new Error('killed')) };
    const before = createFixture({ blob, keyValues: crashing });
    const run = closedRun({ runId: 'r1' });
    expect((await before.archiveAll([run]))[0]?.status).toBe('rejected');
    const after = createFixture({ blob, keyValues });
    expect((await after.archiveAll([run]))[0]?.status).toBe('fulfilled');
    expect(await after.keys('orders.id-of-or/region-a/manifests/')).toHaveLength(1);
    expect((await after.archiver.readHistory(refOf(run), everything))?.historyBlobs).toHaveLength(2);
    expect(await after.inspector.verify({ uri: URI, domainId: run.domainId })).toMatchObject({ isIntact: true });
  });

  it('lets two processes append to one chain', async () => {
    const blob = createMemoryBlobStore();
    const { keyValues } = createMemoryStore();
    const one = createFixture({ blob, keyValues });
    const two = createFixture({ blob, keyValues, seed: 8 });
    await one.archiveAll([closedRun({ runId: 'r0' })]);
    const work = [one.archiver.archive(closedRun({ runId: 'r1' })), two.archiver.archive(closedRun({ runId: 'r2' }))];
    await Promise.all([one.env.advance(2000), two.env.advance(2000)]);
    await Promise.all(work);
    await two.archiveAll([closedRun({ runId: 'r3' })]);
    const report = await one.inspector.verify({ uri: URI, domainId: 'id-of-orders' });
    expect(report).toMatchObject({ isIntact: true, manifests: 4, runsChecked: 4 });
  });

  it('keeps two regions that share a bucket apart', async () => {
    const blob = createMemoryBlobStore();
    const a = createFixture({ blob, cluster: 'region-a' });
    const b = createFixture({ blob, cluster: 'region-b' });
    const run = closedRun({ runId: 'r1' });
    await a.archiveAll([run]);
    await b.archiveAll([run]);
    for (const region of [a, b]) {
      const { executions } = await region.archiver.list({ id: run.domainId, visibilityUri: URI }, '', everything);
      expect(executions).toHaveLength(1);
      expect(await region.inspector.verify({ uri: URI, domainId: run.domainId })).toMatchObject({ isIntact: true });
    }
  });

  it('finds histories again after the store was lost, from the objects alone', async () => {
    const blob = createMemoryBlobStore();
    const first = createFixture({ blob });
    const runs = [closedRun({ runId: 'r1' }), closedRun({ runId: 'r2', closeMs: DAY_2 })];
    await first.archiveAll(runs);
    const second = createFixture({ blob });
    expect(await second.inspector.reindex({ uri: URI, domainId: 'id-of-orders' })).toBe(2);
    expect(await second.archiver.readHistory(refOf(runs[1]!), everything)).toBeDefined();
  });
});

describe('listing archived runs', () => {
  const domain = { id: 'id-of-orders', visibilityUri: URI };
  const idsOf = (list: { executions: readonly { workflowExecution?: { runId: string } | undefined }[] }) =>
    list.executions.map(({ workflowExecution }) => workflowExecution?.runId);

  it('lists newest first over days and packs, in pages', async () => {
    const { archiver, archiveAll } = createFixture();
    await archiveAll([0, 1, 2].map((i) => closedRun({ runId: `old${i}`, closeMs: DAY_1 + i })));
    await archiveAll([3, 4].map((i) => closedRun({ runId: `old${i}`, closeMs: DAY_1 + i })));
    await archiveAll([0, 1].map((i) => closedRun({ runId: `new${i}`, closeMs: DAY_2 + i })));
    const expected = ['new1', 'new0', 'old4', 'old3', 'old2', 'old1', 'old0'];
    expect(idsOf(await archiver.list(domain, '', everything))).toEqual(expected);
    for (const size of [1, 2, 3]) {
      const ids: (string | undefined)[] = [];
      let token: Uint8Array = new Uint8Array();
      do {
        const page = await archiver.list(domain, '', { size, token });
        ids.push(...idsOf(page));
        token = page.nextPageToken;
      } while (token.length > 0);
      expect(ids).toEqual(expected);
    }
  });

  it('filters by the query, and reads only the days that it bounds', async () => {
    const blob = createMemoryBlobStore();
    const { archiver, archiveAll, keys } = createFixture({ blob });
    await archiveAll([closedRun({ runId: 'r1', type: 'Order' }), closedRun({ runId: 'r2', type: 'Refund' })]);
    await archiveAll([closedRun({ runId: 'r3', type: 'Refund', closeMs: DAY_2 })]);
    expect(idsOf(await archiver.list(domain, 'Type=Refund', everything))).toEqual(['r3', 'r2']);
    // Day 2's object is gone: a query of day 1 does not notice.
    for (const key of await keys('orders.id-of-or/region-a/2026/11/21/')) {
      const content = await blob.get(key);
      await blob.remove(key);
      if (!key.includes('runs')) await blob.put(key, content!);
    }
    expect(idsOf(await archiver.list(domain, `Closed=${DAY_1 - 1}-${DAY_1 + 1}`, everything))).toEqual(['r1', 'r2']);
  });

  it('refuses bad queries, bad tokens and a domain without a URI; an empty archive lists nothing', async () => {
    const { archiver } = createFixture();
    expect(await archiver.list(domain, '', everything)).toMatchObject({ executions: [] });
    await expect(archiver.list(domain, 'nonsense', everything)).rejects.toMatchObject({ kind: 'BadRequest' });
    await expect(archiver.list({ ...domain, visibilityUri: '' }, '', everything)).rejects.toMatchObject({
      kind: 'BadRequest',
    });
  });

  it('archives visibility alone, or to a bucket of its own', async () => {
    const { archiver, archiveAll } = createFixture();
    const other = 'memory://visibility';
    await archiveAll([
      closedRun({ runId: 'r1', visibilityUri: other }),
      closedRun({ runId: 'r2', historyUri: '', visibilityUri: other }),
    ]);
    expect(idsOf(await archiver.list({ ...domain, visibilityUri: other }, '', everything)).sort()).toEqual([
      'r1',
      'r2',
    ]);
    expect(await archiver.readHistory(refOf(closedRun({ runId: 'r1' })), everything)).toBeDefined();
  });
});
