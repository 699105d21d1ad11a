import { GetReplicationMessagesRequest } from '@antiphon/proto/admin';
import { expect, it } from 'vitest';
import { createRealEnv } from '#env';
import { createEmbeddedLog } from '#log/embedded';
import { createMemoryStore } from '#persistence/memory';
import { createLocalContext } from '#rpc';
import { createLogHandlers } from '../../../replication/serving/log-handlers.ts';

const TOKENS = 40;

it('waits for many tokens at once without a warning of Node', async () => {
  const env = createRealEnv();
  const log = createEmbeddedLog({ env, log: createMemoryStore().log }, { consumers: ['region-b'] });
  const handlers = createLogHandlers({ env, log }, { waitMs: 50 });
  const warnings: string[] = [];
  const listen = (warning: Error): void => void warnings.push(warning.name);
  process.on('warning', listen);
  const tokens = Array.from({ length: TOKENS }, () => ({
    shardId: 0,
    lastRetrievedMessageId: 0n,
    lastProcessedMessageId: 0n,
  }));
  const request = GetReplicationMessagesRequest.fromPartial({ clusterName: 'region-b', tokens });
  await handlers.getReplicationMessages(request, createLocalContext());
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', listen);
  expect(warnings).toEqual([]);
});
