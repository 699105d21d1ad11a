// Antiphon in this process, on memory and behind real gRPC, with the settings that the reference server is started with. Both are
// `region-a`, the only cluster of their group.
import { loadConfig } from '#config';
import { type RunningServer, startServer } from '#server';

export function startAntiphon(): Promise<RunningServer> {
  return startServer(
    loadConfig({
      overrides: {
        frontend: { address: '127.0.0.1:0', forwarding: 'noop' },
        metrics: { address: '' },
        persistence: { driver: 'memory' },
        domains: { failoverCoolDownMs: 0 },
        log: { level: 'error' },
      },
    }),
  );
}
