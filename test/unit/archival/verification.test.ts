import { describe, expect, it } from 'vitest';
import { closedRun, createFixture, DAY_1, DAY_2, tamper, URI } from './archive-fixture.ts';

const NAME = { uri: URI, domainId: 'id-of-orders' };

async function archiveOfThreePacks() {
  const fixture = createFixture();
  await fixture.archiveAll([closedRun({ runId: 'r1' }), closedRun({ runId: 'r2' })]);
  await fixture.archiveAll([closedRun({ runId: 'r3', closeMs: DAY_1 + 1 })]);
  await fixture.archiveAll([closedRun({ runId: 'r4', closeMs: DAY_2 })]);
  const manifest = (n: number): string => `orders.id-of-or/region-a/manifests/00000000000${n}.json`;
  return { ...fixture, manifest };
}

const kinds = (report: { findings: readonly { kind: string }[] }): readonly string[] =>
  report.findings.map(({ kind }) => kind);

describe('archive verification', () => {
  it('proves an untouched archive and names its head', async () => {
    const { inspector } = await archiveOfThreePacks();
    const report = await inspector.verify(NAME);
    expect(report).toMatchObject({ isIntact: true, manifests: 3, runsChecked: 4, eventsChecked: 12, findings: [] });
    const summary = await inspector.listArchives(NAME);
    expect(summary).toMatchObject({ runCount: 4, head: { sequence: 3, manifestSha256: report.headSha256 } });
  });

  it('detects one flipped bit in any object of the archive', async () => {
    const { keys } = await archiveOfThreePacks();
    const objects = await keys('orders.id-of-or/');
    expect(objects).toHaveLength(9);
    for (const [index] of objects.entries()) {
      const { inspector, blob, keys: freshKeys } = await archiveOfThreePacks();
      const key = (await freshKeys('orders.id-of-or/'))[index]!;
      await tamper(blob, key, (content) => {
        const at = Math.floor(content.length / 2);
        content[at] = content[at]! ^ 1;
        return content;
      });
      expect((await inspector.verify(NAME)).isIntact, key).toBe(false);
    }
  });

  it('names a part that is missing and one that was altered', async () => {
    const { inspector, blob, keys } = await archiveOfThreePacks();
    const parts = (await keys('orders.id-of-or/')).filter((key) => key.includes('histories'));
    await blob.remove(parts[0]!);
    await tamper(blob, parts[1]!, (content) => content.slice(1));
    const report = await inspector.verify(NAME);
    expect(report.findings).toMatchObject([
      { kind: 'part-missing', key: parts[0] },
      { kind: 'part-altered', key: parts[1] },
    ]);
  });

  it('detects a manifest removed from the middle, from the start and from the end', async () => {
    for (const [removed, kind] of [
      [1, 'manifest-missing'],
      [2, 'manifest-missing'],
      [3, 'chain-cut'],
    ] as const) {
      const { inspector, blob, manifest } = await archiveOfThreePacks();
      await blob.remove(manifest(removed));
      const report = await inspector.verify(NAME);
      expect(report.isIntact).toBe(false);
      expect(report.findings[0]).toMatchObject({ kind, key: manifest(removed) });
    }
  });

  it('detects manifests that changed places', async () => {
    const { inspector, blob, manifest } = await archiveOfThreePacks();
    const [one, two] = [(await blob.get(manifest(1)))!, (await blob.get(manifest(2)))!];
    await tamper(blob, manifest(1), () => two);
    await tamper(blob, manifest(2), () => one);
    expect(kinds(await inspector.verify(NAME))).toContain('chain-broken');
  });

  it('detects a chain rewritten consistently from the start, by the head that the store remembers', async () => {
    const { inspector, blob, keys, keyValues } = await archiveOfThreePacks();
    const forged = createFixture();
    await forged.archiveAll([closedRun({ runId: 'r1' }), closedRun({ runId: 'r2' })]);
    await forged.archiveAll([closedRun({ runId: 'forged', closeMs: DAY_1 + 1 })]);
    await forged.archiveAll([closedRun({ runId: 'r4', closeMs: DAY_2 })]);
    for (const key of await keys()) await blob.remove(key);
    for (const key of await forged.keys()) await blob.put(key, (await forged.blob.get(key))!);
    expect(kinds(await inspector.verify(NAME))).toEqual(['head-mismatch']);
    const bystander = createFixture({ blob, keyValues });
    await bystander.archiveAll([closedRun({ runId: 'r5', closeMs: DAY_2 })]);
    expect((await bystander.inspector.verify(NAME)).isIntact).toBe(false);
  });

  it('checks parts only in the range asked for, links always', async () => {
    const { inspector, blob, keys, manifest } = await archiveOfThreePacks();
    const [part] = (await keys('orders.id-of-or/region-a/2026/11/20/')).filter((key) => key.includes('histories'));
    await blob.remove(part!);
    expect(await inspector.verify(NAME, { fromDay: '2026/11/21' })).toMatchObject({ isIntact: true, runsChecked: 1 });
    expect(await inspector.verify(NAME, { toDay: '2026/11/20' })).toMatchObject({ isIntact: false });
    await blob.remove(manifest(1));
    expect(await inspector.verify(NAME, { fromDay: '2026/11/21' })).toMatchObject({ isIntact: false });
  });

  it('lists leftovers of interrupted writes without calling the archive broken', async () => {
    const { inspector, blob } = await archiveOfThreePacks();
    await blob.put('orders.id-of-or/region-a/2026/11/20/000000-left.histories-001.jsonl.gz', new Uint8Array([1]));
    const report = await inspector.verify(NAME);
    expect(report.isIntact).toBe(true);
    expect(kinds(report)).toEqual(['object-unreferenced']);
  });

  it('shows one run as it is stored', async () => {
    const { inspector } = await archiveOfThreePacks();
    const view = await inspector.showArchive(NAME, { workflowId: 'workflow of r3', runId: 'r3' });
    expect(view.lines).toHaveLength(1);
    expect(view.lines[0]).toMatchObject({ runId: 'r3', eventCount: 3, segment: 0 });
    await expect(inspector.showArchive(NAME, { workflowId: 'x', runId: 'none' })).rejects.toMatchObject({
      kind: 'EntityNotExists',
    });
  });
});
