// The CLI's gRPC connection: the frontend client of #rpc, known to servers as `cli`.
import { createRealEnv } from '#env';
import { createRemoteFrontendClient, type RemoteFrontendClient } from '#rpc';
import type { ConnectionSecurity } from './security.ts';

export type Connection = RemoteFrontendClient;

export const connect = (
  address: string,
  { timeoutMs, security }: { timeoutMs: number; security: ConnectionSecurity },
): Connection =>
  createRemoteFrontendClient(address, {
    env: createRealEnv(),
    tls: security.tls,
    authorization: security.authorization,
    callerName: 'antiphon-cli',
    callerType: 'cli',
    defaultTimeoutMs: timeoutMs,
    headers: { 'cadence-client-name': 'cli', 'cadence-client-feature-version': '1.7.0' },
  });
