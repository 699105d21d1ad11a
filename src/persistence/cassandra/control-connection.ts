// The driver's control connection (its view of the hosts, and their events) over outages. cassandra-driver 4.10.0, the newest, ends the process there
// (NODEJS-681; apache/cassandra-nodejs-driver#462, not released): when no known host answers, a refresh makes a first connection anew, which is watched
// twice from then on, so the next outage starts two refreshes, the one after it four. Each begins by forgetting host and connection, under the feet of
// another that is about to use them: a TypeError in a promise of a timer, which nobody handles. And that first connection comes with a second Host in
// place of the known one, whose pool goes on by itself and is closed by nobody. Here one refresh runs at a time, none ends in silence, and known hosts
// are left to their pools, which reconnect by themselves. The driver offers no door for this: methods are replaced, and its version is pinned.
import type { Client } from 'cassandra-driver';
import { assert } from '#base';
import type { Env } from '#env';

type HostIterator = Iterator<unknown>;

interface Control {
  host: { isUp(): boolean } | null;
  connection: { readonly connected: boolean } | null;
  readonly hosts: { get(endpoint: string): unknown };
  readonly options: { readonly contactPoints: readonly string[] };
  readonly _contactPoints: Set<string>;
  readonly _resolvedContactPoints: Map<string, unknown>;
  on(event: 'newConnection', listener: (error: unknown) => void): void;
  _parseContactPoint(name: string): Promise<void>;
  _borrowAConnection(hosts: HostIterator): NonNullable<Control['connection']>;
  _initializeConnection(): Promise<void>;
  _refreshControlConnection(hosts: HostIterator): Promise<void>;
  _refresh(hosts?: HostIterator): Promise<void>;
}

const METHODS = [
  'on',
  '_parseContactPoint',
  '_borrowAConnection',
  '_initializeConnection',
  '_refreshControlConnection',
  '_refresh',
] as const satisfies (keyof Control)[];
const FIELDS = ['hosts', 'options', '_contactPoints', '_resolvedContactPoints'] as const satisfies (keyof Control)[];
const RETRY_MS = 1_000;

/** Before the client connects. */
export function mendControlConnection(client: Client, env: Env): void {
  const control = controlOf(client);
  control._refreshControlConnection = (hosts) => reconnect(control, hosts);
  control._refresh = oneAtATime(control, env);
}

function controlOf(client: Client): Control {
  const control: unknown = Reflect.get(client, 'controlConnection');
  const isKnown =
    typeof control === 'object' &&
    control !== null &&
    METHODS.every((name) => typeof Reflect.get(control, name) === 'function') &&
    FIELDS.every((name) => typeof Reflect.get(control, name) === 'object');
  assert(isKnown, 'cassandra-driver has another control connection: this is not the version that is pinned');
  return control as Control;
}

/** By a host that is up, else by an address that the contact points' names have come to since. */
async function reconnect(control: Control, hosts: HostIterator): Promise<void> {
  try {
    control.connection = control._borrowAConnection(hosts);
  } catch (error) {
    const endpoints = control._contactPoints;
    endpoints.clear();
    control._resolvedContactPoints.clear();
    await Promise.all(control.options.contactPoints.map((name) => control._parseContactPoint(name)));
    for (const endpoint of endpoints) if (control.hosts.get(endpoint) !== undefined) endpoints.delete(endpoint);
    // The driver logs it, and tries again by its reconnection policy.
    if (endpoints.size === 0) throw error;
    await control._initializeConnection();
  }
}

/** The driver's refresh: one that is asked for while another runs comes after it, if the connection was lost again. */
function oneAtATime(control: Control, env: Env): Control['_refresh'] {
  const refresh = control._refresh.bind(control);
  const isLost = (): boolean => control.connection?.connected !== true || control.host?.isUp() !== true;
  let isRunning = false;
  let isAskedAgain = false;
  let isRetriedByDriver = false;
  control.on('newConnection', (error) => {
    isRetriedByDriver = error !== null && error !== undefined;
  });
  const run = async (): Promise<void> => {
    if (isRunning) {
      isAskedAgain = true;
      return;
    }
    isRunning = true;
    try {
      do {
        isAskedAgain = false;
        await refresh();
      } while (isAskedAgain && !isRetriedByDriver && isLost());
    } catch (error) {
      const reason = error instanceof Error ? error.stack : String(error);
      env.logger.error('cassandra control connection: the refresh failed and is tried again', { reason });
      env.scheduler.after(RETRY_MS, () => void run());
    } finally {
      isRunning = false;
    }
  };
  // With hosts: the refresh that runs goes on with the next of them.
  return (hosts) => (hosts === undefined ? run() : refresh(hosts));
}
