// A thousand times another host takes the shard under its owner's hands: before its commands, between their decision and their commit, while a
// commit is on its way to the store. Nothing of the replaced owner is applied after that moment, and none of it is acknowledged.
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ServiceError } from '#base';
import { seededRandom } from '#env';
import { createMemoryStore, type MemoryImage } from '#persistence/memory';
import { DOMAIN, openRegion, type Region, startRequest } from './fixture.ts';

const CASES = 1_000;
const random = seededRandom(7);
const whole = (least: number, most: number): number => least + Math.floor(random.next() * (most - least + 1));

/** Everything the shard holds but its range id. */
function digest(image: MemoryImage): string {
  const shard = image.shards.get(0);
  if (shard === undefined) return '';
  const hash = createHash('sha256');
  for (const [key, row] of shard.executions)
    hash
      .update(key)
      .update(row.record)
      .update([...row.signalRequestIds].join());
  for (const [key, row] of shard.currentRuns) hash.update(key).update(JSON.stringify(row));
  const all = (): boolean => true;
  for (const rows of [shard.transferTasks, shard.timerTasks, shard.replicationTasks]) {
    for (const { taskId, blob } of rows.read(() => 0, all)) hash.update(String(taskId)).update(blob);
  }
  return hash.digest('hex');
}

let made = 0;

function command(region: Region): Promise<unknown> {
  const { history } = region;
  const workflowId = `order-${whole(0, 40)}`;
  const run = { domainId: DOMAIN, workflowId, runId: '' };
  const requestId = `request-${++made}`;
  switch (whole(0, 4)) {
    case 0:
      return history.startWorkflow(startRequest({ workflowId, requestId }), { domainId: DOMAIN });
    case 1:
      return history.signalWithStart(startRequest({ workflowId, requestId }), { signalName: 's' }, DOMAIN);
    case 2:
      return history.requestCancelWorkflow(run, { cause: '', identity: '', requestId, firstExecutionRunId: '' });
    case 3:
      return history.terminateWorkflow(run, { reason: 'test', identity: '', firstExecutionRunId: '' });
    default:
      return history.signalWorkflow(run, { signalName: 's', identity: '', requestId });
  }
}

const outcome = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'done',
    (error: unknown) => (error instanceof ServiceError ? error.kind : String(error)),
  );

describe('two owners at once', () => {
  it(`apply and acknowledge nothing of the replaced one, in ${CASES} forced cases`, async () => {
    const plan = { delayMs: 0 };
    const region = await openRegion({
      options: { shardCount: 1 },
      faults: ({ method }) => (method === 'commit' && plan.delayMs > 0 ? { delayMs: plan.delayMs } : undefined),
    });
    // Applies at once: the moment of the takeover is exact.
    const thief = createMemoryStore(undefined, region.image);
    const outcomes = new Map<string, number>();
    for (let index = 0; index < CASES; index++) {
      for (let turn = 0; region.history.shardStatus()[0]?.isOpen !== true && turn < 1_000; turn++)
        await region.advance(20);
      await region.settled(outcome(command(region)));
      plan.delayMs = random.next() < 0.5 ? whole(1, 5) : 0;
      const early = Array.from({ length: whole(0, 3) }, () => outcome(command(region)));
      if (random.next() < 0.7) await region.env.advance(whole(0, 4));
      await thief.shards.acquireShard(0, 'thief', region.env.clock.nowMs());
      const before = digest(region.image);
      const late = Array.from({ length: whole(1, 4) }, () => outcome(command(region)));
      await region.env.advance(20);
      expect(digest(region.image)).toBe(before);
      for (const kind of await region.settled(Promise.all(late))) {
        expect(kind).not.toBe('done');
        outcomes.set(kind, (outcomes.get(kind) ?? 0) + 1);
      }
      plan.delayMs = 0;
      await region.settled(Promise.all(early));
    }
    expect(outcomes.get('ShardOwnershipLost') ?? 0).toBeGreaterThan(CASES);
    expect([...outcomes.keys()].every((kind) => kind === 'ShardOwnershipLost' || kind === 'Unavailable')).toBe(true);
  }, 300_000);
});
