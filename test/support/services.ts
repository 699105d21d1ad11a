// Real servers for tests. All test files of a run, and all runs of a checkout, share one of each kind: make a keyspace, database, topic or index of your
// own in it. It is started on demand; `npm test` stops at its end what nobody else uses, and after a single `vitest run` it stays up
// (`npm run services -- stop`).
import { missing, type RunningService, start } from '../../scripts/services/runner.mjs';

export type ServiceName = 'cassandra' | 'kafka' | 's3' | 'opensearch' | 'postgres' | 'mariadb';

/**
 * Why the server cannot run on this machine; undefined when it can. For `describe.skipIf(serviceMissing('cassandra') !== undefined)`: such a skip is
 * counted, and is a failure of `npm test` with CI=true.
 */
export const serviceMissing = (name: ServiceName): string | undefined => missing(name);

/**
 * The running server, started if it isn't. The first start on a machine downloads it, which takes minutes: give the hook that calls this a long timeout.
 * `instance` names a second one with its own ports and data, which whoever names it stops.
 */
export const useService = (name: ServiceName, instance?: string): Promise<RunningService> =>
  // The parent is the process of vitest itself, which outlives the files of its run.
  start(name, { userPid: process.ppid, ...(instance !== undefined && { instance }) });

/** A variable by which clients find a server. */
export function variable(service: RunningService, name: string): string {
  const value = service.variables[name];
  if (value === undefined)
    throw new Error(`${service.name} has no ${name}: ${Object.keys(service.variables).join(', ')}`);
  return value;
}
