// Two regions that trust nobody: replication and forwarding between them carry tokens over TLS, and callers keep who they are.
import { randomUUID } from 'node:crypto';
import net from 'node:net';
import {
  DescribeDomainRequest,
  DescribeWorkflowExecutionRequest,
  RegisterDomainRequest,
  StartWorkflowExecutionRequest,
} from '@antiphon/proto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ConfigOverrides, loadConfig } from '#config';
import { createRealEnv } from '#env';
import {
  type CertificateFiles,
  createCertificateFiles,
  createRemoteFrontendClient,
  type RemoteFrontendClient,
} from '#rpc';
import { type RunningServer, startServer } from '#server';
import { createPki, hasOpenssl, until } from '../../support/security/certificates.ts';
import { createSigningKey, type SigningKey } from '../../support/security/tokens.ts';

const env = createRealEnv();
const pki = createPki();
const opened: { close(): unknown }[] = [];
let key: SigningKey;
let ports: readonly [number, number];
let regions: readonly [RunningServer, RunningServer];

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as net.AddressInfo;
      probe.close(() => resolve(port));
    });
  });

const files = (paths: { certFile?: string; keyFile?: string }): CertificateFiles => {
  const made = createCertificateFiles({ certFile: '', keyFile: '', caFiles: [pki.ca], ...paths }, env);
  opened.push(made);
  return made;
};

function client(
  region: 0 | 1,
  given: { token?: string; certificate?: { certFile: string; keyFile: string } },
): RemoteFrontendClient {
  const made = createRemoteFrontendClient(`127.0.0.1:${ports[region]}`, {
    env,
    authorization: given.token,
    tls: { files: files(given.certificate ?? {}), serverName: '', enableHostVerification: true },
  });
  opened.push(made);
  return made;
}

async function startRegions(): Promise<readonly [RunningServer, RunningServer]> {
  const server = await pki.server();
  const region = await pki.client('region-a');
  const tls = { enabled: true, caFile: pki.ca, ...region };
  const names = ['region-a', 'region-b'] as const;
  const members = Object.fromEntries(
    names.map((name, index) => [
      name,
      { enabled: true, initialFailoverVersion: index, rpcAddress: `127.0.0.1:${ports[index]}`, tls },
    ]),
  );
  const start = (index: 0 | 1, overrides: ConfigOverrides): Promise<RunningServer> =>
    startServer(
      loadConfig({
        environment: {},
        overrides: {
          cluster: {
            current: names[index],
            primary: 'region-a',
            members,
            authorizationProvider: { privateKey: key.privateFile },
          },
          frontend: {
            address: `127.0.0.1:${ports[index]}`,
            tls: { enabled: true, ...server, ...overrides.frontend?.tls },
          },
          metrics: { address: '' },
          persistence: { driver: 'memory' },
          log: { level: 'silent' },
          authorization: {
            oauthAuthorizer: { enable: true, jwtCredentials: { publicKey: key.publicFile } },
            ...overrides.authorization,
          },
        },
      }),
    );
  return [
    await start(0, {}),
    await start(1, {
      frontend: { tls: { requireClientAuth: true, caFiles: [pki.ca] } },
      authorization: {
        oauthAuthorizer: { enable: true, jwtCredentials: { publicKey: key.publicFile } },
        certificates: [
          { subject: 'clerk', name: 'Clerk', groups: ['clerks'] },
          { subject: 'guest', groups: ['guests'] },
        ],
      },
    }),
  ];
}

const startRequest = (workflowId: string): StartWorkflowExecutionRequest =>
  StartWorkflowExecutionRequest.fromPartial({
    domain: 'orders',
    workflowId,
    requestId: randomUUID(),
    workflowType: { name: 'order' },
    taskList: { name: 'tl' },
    executionStartToCloseTimeout: { seconds: 600n },
    taskStartToCloseTimeout: { seconds: 60n },
  });

describe.skipIf(!hasOpenssl)('two secured regions (needs openssl)', () => {
  let admin: RemoteFrontendClient;
  let worker: { certFile: string; keyFile: string };
  beforeAll(async () => {
    key = await createSigningKey();
    ports = [await freePort(), await freePort()];
    regions = await startRegions();
    admin = client(0, { token: await key.token({ admin: true }) });
    worker = await pki.client('worker');
    await admin.domain.registerDomain(
      RegisterDomainRequest.fromPartial({
        name: 'orders',
        data: { WRITE_GROUPS: 'clerks' },
        isGlobalDomain: true,
        clusters: [{ clusterName: 'region-a' }, { clusterName: 'region-b' }],
        activeClusterName: 'region-a',
        workflowExecutionRetentionPeriod: { seconds: 86_400n },
      }),
    );
  });
  afterAll(async () => {
    for (const one of opened) await one.close();
    await Promise.all(regions.map((region) => region.stop()));
    pki.remove();
    key.remove();
  });

  test('replicate, the domain and its groups first', async () => {
    const own = client(1, { token: await key.token({ admin: true }), certificate: worker });
    const describeBy = { $case: 'name', value: 'orders' } as const;
    await until(async () => {
      const found = await own.domain
        .describeDomain(DescribeDomainRequest.fromPartial({ describeBy }))
        .catch(() => undefined);
      return found?.domain?.data.WRITE_GROUPS === 'clerks';
    });
  });

  test('forward a call with the token it came with', async () => {
    const clerk = client(1, { token: await key.token({ groups: ['clerks'] }), certificate: worker });
    await expect(clerk.workflow.startWorkflowExecution(startRequest('by-token'))).resolves.toMatchObject({
      runId: expect.any(String),
    });
    const stranger = client(1, { token: await key.token({ groups: ['guests'] }), certificate: worker });
    await expect(stranger.workflow.startWorkflowExecution(startRequest('never'))).rejects.toMatchObject({
      kind: 'AccessDenied',
    });
    const described = await admin.workflow.describeWorkflowExecution(
      DescribeWorkflowExecutionRequest.fromPartial({ domain: 'orders', workflowExecution: { workflowId: 'by-token' } }),
    );
    expect(described.workflowExecutionInfo?.type?.name).toBe('order');
  });

  test('forward the call of a caller who is known by his certificate, as him and as nobody more', async () => {
    const clerk = client(1, { certificate: await pki.client('clerk') });
    await expect(clerk.workflow.startWorkflowExecution(startRequest('by-certificate'))).resolves.toBeDefined();
    for (const name of ['guest', 'nobody']) {
      const other = client(1, { certificate: await pki.client(name) });
      await expect(other.workflow.startWorkflowExecution(startRequest('never'))).rejects.toMatchObject({
        kind: 'AccessDenied',
      });
    }
  });

  test('take no connection without a certificate where one is required', async () => {
    const bare = client(1, { token: await key.token({ admin: true }) });
    await expect(bare.workflow.startWorkflowExecution(startRequest('never'))).rejects.toMatchObject({
      kind: 'Unavailable',
    });
  });
});
