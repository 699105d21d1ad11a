// A region that dies before it has noted what it published, and returns when the other has finished its runs and retention has deleted them: it tells of
// them again. Real processes, since only SIGKILL forgets so.
import fs from 'node:fs';
import path from 'node:path';
import {
  DescribeDomainRequest,
  DescribeWorkflowExecutionRequest,
  FailoverDomainRequest,
  RegisterDomainRequest,
  TerminateWorkflowExecutionRequest,
} from '@antiphon/proto';
import { CountDLQMessagesRequest, DLQType, ReadDLQMessagesRequest } from '@antiphon/proto/admin';
import { afterEach, expect, it, vi } from 'vitest';
import { EntityNotExistsError } from '#base';
import { createRealEnv } from '#env';
import { createRemoteFrontendClient, type RemoteFrontendClient } from '#rpc';
import { freePort, makeFolder, type ServerProcess, startServerProcess } from '../bench/server-process.ts';
import { orderStart } from '../support/order-start.ts';

const DOMAIN = 'orders';
const NAMES = ['region-a', 'region-b'] as const;
const RETENTION_SECONDS = 2n;
const PATIENCE = { timeout: 60_000, interval: 100 };
const env = createRealEnv();

interface RegionProcess {
  readonly client: RemoteFrontendClient;
  server: ServerProcess;
  start(): Promise<ServerProcess>;
}

async function openRegion(current: (typeof NAMES)[number], ports: readonly number[]): Promise<RegionProcess> {
  const folder = makeFolder();
  const file = path.join(folder, 'config.yaml');
  const port = ports[NAMES.indexOf(current)] as number;
  const members = NAMES.map((name, index) => [
    name,
    { enabled: true, initialFailoverVersion: index, rpcAddress: `127.0.0.1:${ports[index]}` },
  ]);
  const cluster = { current, primary: NAMES[0], members: Object.fromEntries(members) };
  // JSON is YAML.
  fs.writeFileSync(file, JSON.stringify({ cluster, domains: { retentionSecondsMin: 1, failoverCoolDownMs: 0 } }));
  const start = (): Promise<ServerProcess> => startServerProcess({ folder, port, configFiles: [file] });
  return { client: createRemoteFrontendClient(`127.0.0.1:${port}`, { env }), start, server: await start() };
}

const describeOrder = ({ client }: RegionProcess, workflowId: string) =>
  client.workflow.describeWorkflowExecution(
    DescribeWorkflowExecutionRequest.fromPartial({ domain: DOMAIN, workflowExecution: { workflowId } }),
  );

const isGone = (region: RegionProcess, workflowId: string): Promise<void> =>
  expect(describeOrder(region, workflowId)).rejects.toThrow(EntityNotExistsError);

const regions: RegionProcess[] = [];
afterEach(async () => {
  for (const { client, server } of regions.splice(0)) {
    client.close();
    await server.kill('SIGTERM');
  }
});

it('a region that returns after retention does not bring back what was finished without it', async () => {
  const ports = [await freePort(), await freePort()];
  for (const name of NAMES) regions.push(await openRegion(name, ports));
  const [a, b] = regions as [RegionProcess, RegionProcess];
  await a.client.domain.registerDomain(
    RegisterDomainRequest.fromPartial({
      name: DOMAIN,
      isGlobalDomain: true,
      clusters: NAMES.map((clusterName) => ({ clusterName })),
      activeClusterName: 'region-a',
      workflowExecutionRetentionPeriod: { seconds: RETENTION_SECONDS },
    }),
  );
  const byName = DescribeDomainRequest.fromPartial({ describeBy: { $case: 'name', value: DOMAIN } });
  await vi.waitFor(() => b.client.domain.describeDomain(byName), PATIENCE);
  await a.client.workflow.startWorkflowExecution(orderStart(DOMAIN, 'order-1'));
  await vi.waitFor(() => describeOrder(b, 'order-1'), PATIENCE);

  await a.server.kill('SIGKILL');
  await b.client.domain.failoverDomain(
    FailoverDomainRequest.fromPartial({ domainName: DOMAIN, domainActiveClusterName: 'region-b' }),
  );
  const end = { domain: DOMAIN, workflowExecution: { workflowId: 'order-1' }, reason: 'done without region-a' };
  await b.client.workflow.terminateWorkflowExecution(TerminateWorkflowExecutionRequest.fromPartial(end));
  await vi.waitFor(() => isGone(b, 'order-1'), PATIENCE);

  a.server = await a.start();
  const count = CountDLQMessagesRequest.fromPartial({});
  const [letters] = await vi.waitFor(async () => {
    const { history } = await b.client.admin.countDlqMessages(count);
    expect(history).toHaveLength(1);
    return history;
  }, PATIENCE);
  await isGone(b, 'order-1');
  const partition = { type: DLQType.DLQ_TYPE_REPLICATION, sourceCluster: 'region-a', shardId: letters?.shardId ?? -1 };
  const { replicationTasksInfo } = await b.client.admin.readDlqMessages(ReadDLQMessagesRequest.fromPartial(partition));
  expect(replicationTasksInfo[0]).toMatchObject({ workflowExecution: { workflowId: 'order-1' } });
});
