// A frontend behind a real socket. Domains, matching, visibility and stores are the real ones on memory; the history service is a double
// that records what reaches it and answers as a test says, so that a test of the frontend is not one of the engine.

import { RegisterDomainRequest } from '@antiphon/proto';
import { EntityNotExistsError } from '#base';
import type { ClusterGroup } from '#core';
import { createDomainCache, createDomainService } from '#domains';
import { createDynamicConfig, type StaticDefault } from '#dynamicconfig';
import { createRealEnv } from '#env';
import { createFrontend, type Frontend, type FrontendDeps, type FrontendOptions } from '#frontend';
import { createMatchingService } from '#matching';
import { createMemoryStore } from '#persistence/memory';
import { createGrpcServer, createRemoteFrontendClient, type HistoryClient, type RemoteFrontendClient } from '#rpc';
import { createMemoryVisibility, SEARCH_ATTRIBUTES } from '#visibility';

export interface HistoryCall {
  readonly method: keyof HistoryClient;
  readonly args: readonly unknown[];
}

export type HistoryAnswers = { [M in keyof HistoryClient]?: HistoryClient[M] };

export interface Harness {
  readonly address: string;
  readonly client: RemoteFrontendClient;
  readonly frontend: Frontend;
  /** What reached history, in order. */
  readonly calls: HistoryCall[];
  /** How history answers; a method without an answer finds no run. */
  answers: HistoryAnswers;
  domainId(name: string): Promise<string>;
  stop(): Promise<void>;
}

export const CLUSTERS: ClusterGroup = {
  currentCluster: 'region-a',
  primaryCluster: 'region-a',
  failoverVersionIncrement: 100,
  clusters: {
    'region-a': { enabled: true, initialFailoverVersion: 0, rpcAddress: '' },
    'region-b': { enabled: true, initialFailoverVersion: 1, rpcAddress: '' },
  },
};

export async function startHarness(
  given: {
    deps?: Partial<FrontendDeps>;
    options?: Partial<FrontendOptions>;
    /** Values of dynamic config keys. */
    defaults?: readonly StaticDefault[];
    headers?: Readonly<Record<string, string>>;
    /** Domains archive to a URI that the test's archiver understands. */
    archives?: boolean;
    domains?: readonly Partial<RegisterDomainRequest>[];
  } = {},
): Promise<Harness> {
  const env = createRealEnv();
  const store = createMemoryStore();
  const clusters = given.deps?.clusters ?? CLUSTERS;
  const domains = createDomainCache({ env, store: store.domains, clusters }, { archivalDelayMs: 0 });
  const archival = { isConfigured: true, defaultEnabled: given.archives ?? false, defaultUri: 'file:///archive' };
  const service = createDomainService(
    { env, store: store.domains, cache: domains, clusters, publish: () => {} },
    { historyArchival: archival, visibilityArchival: archival },
  );
  const calls: HistoryCall[] = [];
  const harness = { answers: {} as HistoryAnswers };
  const history = historyDouble(calls, () => harness.answers);
  const matching = createMatchingService(
    { env, store: store.taskLists, keyValues: store.keyValues, history: () => history, domains },
    {},
  );
  for (const domain of given.domains ?? [{ name: 'shop' }, { name: 'other' }]) {
    const workflowExecutionRetentionPeriod = { seconds: 86_400n, nanos: 0 };
    await service.register({ ...RegisterDomainRequest.create(), workflowExecutionRetentionPeriod, ...domain });
  }
  const frontend = createFrontend(
    {
      env,
      history,
      matching,
      domains,
      domainOperations: {
        describe: (request) => service.describe(request),
        list: (...args) => service.list(...args),
        update: (request) => service.update(request),
        failover: (request) => service.failover(request),
        updateIsolationGroups: (...args) => service.updateIsolationGroups(...args),
        updateAsyncWorkflow: (...args) => service.updateAsyncWorkflow(...args),
        listFailoverHistory: (request) => service.listFailoverHistory(request),
        register: async (request) => {
          await service.register(request);
          return {};
        },
        deprecate: async (request) => {
          await service.deprecate(request);
          return {};
        },
        delete: async (request) => {
          await service.delete(request);
          return {};
        },
      },
      visibility: createMemoryVisibility(env),
      clusters,
      config: createDynamicConfig({ env }, { defaults: given.defaults ?? [] }),
      searchAttributes: () => SEARCH_ATTRIBUTES,
      ...given.deps,
    },
    given.options,
  );
  const server = createGrpcServer({ env, address: '127.0.0.1:0', services: frontend.services });
  const { address } = await server.start();
  const client = createRemoteFrontendClient(address, { env, ...(given.headers && { headers: given.headers }) });
  return Object.assign(harness, {
    address,
    client,
    frontend,
    calls,
    domainId: async (name: string) => (await domains.byName(name)).id,
    async stop() {
      client.close();
      frontend.stop();
      await server.stop(500);
      await matching.stop();
    },
  });
}

function historyDouble(calls: HistoryCall[], answers: () => HistoryAnswers): HistoryClient {
  return new Proxy({} as HistoryClient, {
    get:
      (_, method: keyof HistoryClient) =>
      async (...args: unknown[]) => {
        calls.push({ method, args });
        const answer = answers()[method] as ((...args: unknown[]) => Promise<unknown>) | undefined;
        if (answer === undefined) throw new EntityNotExistsError('Workflow execution not found.');
        return answer(...args);
      },
  });
}
