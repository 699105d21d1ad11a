// The CLI's gRPC connection: the frontend client of #rpc, known to servers as `cli`.
import { createRealEnv } from '#env';
import { createRemoteFrontendClient, type RemoteFrontendClient } from '#rpc';

export type Connection = RemoteFrontendClient;

export const connect = (address: string): Connection =>
  createRemoteFrontendClient(address, {
    env: createRealEnv(),
    callerName: 'antiphon-cli',
    callerType: 'cli',
    headers: { 'cadence-client-name': 'cli', 'cadence-client-feature-version': '1.7.0' },
  });
