// Two whole servers in this process that reach each other over gRPC, with one active-active domain, and what a client and a worker do there.
import { randomUUID } from 'node:crypto';
import net from 'node:net';
import {
  type Decision,
  DescribeDomainRequest,
  DescribeWorkflowExecutionRequest,
  FailoverDomainRequest,
  GetWorkflowExecutionHistoryRequest,
  type HistoryEvent,
  PollForDecisionTaskRequest,
  type PollForDecisionTaskResponse,
  RegisterDomainRequest,
  RespondDecisionTaskCompletedRequest,
  SignalWorkflowExecutionRequest,
  type StartWorkflowExecutionRequest,
  WorkflowIdReusePolicy,
} from '@antiphon/proto';
import { loadConfig } from '#config';
import { createRealEnv, sleep } from '#env';
import { createRemoteFrontendClient, type RemoteFrontendClient } from '#rpc';
import { type RunningServer, startServer } from '#server';
import { orderStart } from '../../support/order-start.ts';

export const DOMAIN = 'orders';
const NAMES = ['region-a', 'region-b'] as const;
export type RegionName = (typeof NAMES)[number];

const env = createRealEnv();

export interface Servers {
  readonly a: RemoteFrontendClient;
  readonly b: RemoteFrontendClient;
  close(): Promise<void>;
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as net.AddressInfo;
      probe.close(() => resolve(port));
    });
  });

export async function startTwoServers(): Promise<Servers> {
  const ports = [await freePort(), await freePort()];
  const members = Object.fromEntries(
    NAMES.map((name, index) => [
      name,
      { enabled: true, initialFailoverVersion: index, rpcAddress: `127.0.0.1:${ports[index]}` },
    ]),
  );
  const servers: RunningServer[] = [];
  for (const [index, current] of NAMES.entries()) {
    const overrides = {
      cluster: { current, primary: NAMES[0], failoverVersionIncrement: 100, members },
      frontend: { address: `127.0.0.1:${ports[index]}` },
      metrics: { address: '' },
      persistence: { driver: 'memory' },
      domains: { failoverCoolDownMs: 0 },
      log: { level: 'silent' },
    } as const;
    servers.push(await startServer(loadConfig({ environment: {}, overrides })));
  }
  const clients = ports.map((port) => createRemoteFrontendClient(`127.0.0.1:${port}`, { env }));
  const [a, b] = clients as [RemoteFrontendClient, RemoteFrontendClient];
  return {
    a,
    b,
    async close() {
      for (const client of clients) client.close();
      for (const server of servers) await server.stop();
    },
  };
}

export async function until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  const untilMs = env.clock.monotonicMs() + 20_000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (env.clock.monotonicMs() > untilMs) throw new Error(`never came true: ${what}`);
    await sleep(env.scheduler, 30);
  }
}

export const regionAttributes = (clusters: Readonly<Record<string, RegionName>>) => ({
  activeClustersByClusterAttribute: {
    region: {
      clusterAttributes: Object.fromEntries(
        Object.entries(clusters).map(([name, activeClusterName]) => [name, { activeClusterName }]),
      ),
    },
  },
});

export const attribute = (name: string) => ({ clusterAttribute: { scope: 'region', name } });

export async function registerActiveActive(
  servers: Servers,
  clusters: Readonly<Record<string, RegionName>>,
): Promise<void> {
  await servers.a.domain.registerDomain(
    RegisterDomainRequest.fromPartial({
      name: DOMAIN,
      isGlobalDomain: true,
      clusters: NAMES.map((clusterName) => ({ clusterName })),
      activeClusterName: NAMES[0],
      activeClusters: regionAttributes(clusters),
      workflowExecutionRetentionPeriod: { seconds: 86_400n },
    }),
  );
  await agreedDomain(servers);
}

export const domainIn = async (client: RemoteFrontendClient) =>
  (
    await client.domain.describeDomain(
      DescribeDomainRequest.fromPartial({ describeBy: { $case: 'name', value: DOMAIN } }),
    )
  ).domain;

/** The domain as both regions show it, once they agree. */
export const agreedDomain = (servers: Servers) =>
  until('both regions show the same domain', async () => {
    try {
      const [here, there] = [await domainIn(servers.a), await domainIn(servers.b)];
      const text = (domain: typeof here) =>
        JSON.stringify([domain?.activeClusterName, String(domain?.failoverVersion), placesOf(domain), domain?.data]);
      return text(here) === text(there) ? here : undefined;
    } catch {
      // Not there yet.
      return undefined;
    }
  });

/** `region.eu` → `region-b 101`. */
export function placesOf(domain: Awaited<ReturnType<typeof domainIn>>): Readonly<Record<string, string>> {
  const scopes = Object.entries(domain?.activeClusters?.activeClustersByClusterAttribute ?? {});
  const places = scopes.flatMap(([scope, { clusterAttributes }]) =>
    Object.entries(clusterAttributes).map(([name, info]): [string, string] => [
      `${scope}.${name}`,
      `${info.activeClusterName} ${info.failoverVersion}`,
    ]),
  );
  return Object.fromEntries(places.sort(([one], [other]) => (one < other ? -1 : 1)));
}

export const failOver = (client: RemoteFrontendClient, clusters: Readonly<Record<string, RegionName>>) =>
  client.domain.failoverDomain(
    FailoverDomainRequest.fromPartial({ domainName: DOMAIN, activeClusters: regionAttributes(clusters) }),
  );

export const startRequest = (workflowId: string, region: string | undefined): StartWorkflowExecutionRequest =>
  orderStart(DOMAIN, workflowId, {
    workflowIdReusePolicy: WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
    executionStartToCloseTimeout: { seconds: 3600n, nanos: 0 },
    taskStartToCloseTimeout: { seconds: 60n, nanos: 0 },
    ...(region === undefined ? {} : { activeClusterSelectionPolicy: attribute(region) }),
  });

export async function start(client: RemoteFrontendClient, workflowId: string, region?: string): Promise<string> {
  return (await client.workflow.startWorkflowExecution(startRequest(workflowId, region))).runId;
}

export async function signal(client: RemoteFrontendClient, workflowId: string, signalName: string): Promise<void> {
  const workflowExecution = { workflowId, runId: '' };
  const request = { domain: DOMAIN, workflowExecution, signalName, requestId: randomUUID() };
  await client.workflow.signalWorkflowExecution(SignalWorkflowExecutionRequest.fromPartial(request));
}

/** A decision task of the list, or undefined when none comes in this time. */
export async function poll(
  client: RemoteFrontendClient,
  taskList: string,
  timeoutMs = 10_000,
): Promise<PollForDecisionTaskResponse | undefined> {
  const request = { domain: DOMAIN, taskList: { name: taskList }, identity: 'tests' };
  const task = await client.worker.pollForDecisionTask(PollForDecisionTaskRequest.fromPartial(request), {
    deadlineMs: env.clock.nowMs() + timeoutMs,
  });
  return task.taskToken.length === 0 ? undefined : task;
}

export async function decide(
  client: RemoteFrontendClient,
  taskList: string,
  ...decisions: Decision['attributes'][]
): Promise<readonly HistoryEvent[]> {
  const task = await poll(client, taskList);
  if (task === undefined) throw new Error(`no decision task came on ${taskList}`);
  await client.worker.respondDecisionTaskCompleted(
    RespondDecisionTaskCompletedRequest.fromPartial({
      taskToken: task.taskToken,
      decisions: decisions.map((attributes) => ({ attributes })),
    }),
  );
  return task.history?.events ?? [];
}

export const complete: Decision['attributes'] = {
  $case: 'completeWorkflowExecutionDecisionAttributes',
  value: { result: { data: Buffer.from('done') } },
};

export async function describe(client: RemoteFrontendClient, workflowId: string, runId = '') {
  const request = { domain: DOMAIN, workflowExecution: { workflowId, runId } };
  return client.workflow.describeWorkflowExecution(DescribeWorkflowExecutionRequest.fromPartial(request));
}

export async function eventsIn(
  client: RemoteFrontendClient,
  workflowId: string,
  runId: string,
): Promise<readonly HistoryEvent[]> {
  const request = { domain: DOMAIN, workflowExecution: { workflowId, runId } };
  const page = await client.workflow.getWorkflowExecutionHistory(
    GetWorkflowExecutionHistoryRequest.fromPartial(request),
  );
  return page.history?.events ?? [];
}

export const kindOf = ({ attributes }: HistoryEvent): string => attributes?.$case.replace('EventAttributes', '') ?? '';

/** The run's events, once both regions have the same and they end so. */
export const untilBothHave = (servers: Servers, workflowId: string, runId: string, lastKind: string) =>
  until(`${workflowId} ends with ${lastKind} in both regions`, async () => {
    try {
      const here = await eventsIn(servers.a, workflowId, runId);
      const there = await eventsIn(servers.b, workflowId, runId);
      const text = (events: readonly HistoryEvent[]) =>
        events.map((event) => `${event.eventId} ${event.version} ${kindOf(event)}`).join('\n');
      const last = here.at(-1);
      return last !== undefined && kindOf(last) === lastKind && text(here) === text(there) && here;
    } catch {
      // Not there yet.
      return undefined;
    }
  });

export const versionsOf = (events: readonly HistoryEvent[]): readonly number[] => [
  ...new Set(events.map(({ version }) => Number(version))),
];
