// A server for tests of the SDK: one region in this process, on memory. ANTIPHON_SDK_TEST_ADDRESS names another to use
// instead, such as a Cadence server; its domain must exist already. ANTIPHON_SDK_TEST_HTTP is then its HTTP API.
import { type Client, createClient } from '@antiphon/sdk/client';
import { loadConfig } from '#config';
import { startServer } from '#server';

export interface TestServer {
  readonly address: string;
  /** URL of the HTTP API. */
  readonly http: string;
  readonly domain: string;
  readonly client: Client;
  stop(): Promise<void>;
}

export async function startTestServer(): Promise<TestServer> {
  const outside = process.env.ANTIPHON_SDK_TEST_ADDRESS;
  const domain = process.env.ANTIPHON_SDK_TEST_DOMAIN ?? 'sdk';
  if (outside) {
    const client = createClient({ address: outside, domain });
    const http = process.env.ANTIPHON_SDK_TEST_HTTP ?? '';
    return { address: outside, http, domain, client, stop: async () => client.close() };
  }
  const server = await startServer(
    loadConfig({
      files: ['config/development.yaml'],
      overrides: {
        frontend: { address: '127.0.0.1:0' },
        metrics: { address: '' },
        http: { address: '127.0.0.1:0' },
        persistence: { driver: 'memory' },
        log: { level: 'error' },
      },
      environment: {},
    }),
  );
  const client = createClient({ address: server.address, domain });
  await client.domain.register(domain, { retention: '1d' });
  return {
    address: server.address,
    http: `http://${server.httpAddress}`,
    domain,
    client,
    stop: async () => {
      client.close();
      await server.stop();
    },
  };
}
