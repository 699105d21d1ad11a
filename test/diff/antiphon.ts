// Antiphon in this process, on memory and behind real gRPC, with the settings that the reference server is started with. Both are
// `region-a`, the only cluster of their group.
import path from 'node:path';
import { loadConfig } from '#config';
import { type RunningServer, startServer } from '#server';

const DYNAMIC_CONFIG = path.join(import.meta.dirname, '../../scripts/reference-cadence/dynamic.yaml');

export function startAntiphon(): Promise<RunningServer> {
  return startServer(
    loadConfig({
      overrides: {
        frontend: { address: '127.0.0.1:0', forwarding: 'noop' },
        metrics: { address: '' },
        dynamicConfig: { file: DYNAMIC_CONFIG, pollMs: 60_000 },
        persistence: { driver: 'memory' },
        domains: { failoverCoolDownMs: 0 },
        log: { level: 'error' },
      },
    }),
  );
}
