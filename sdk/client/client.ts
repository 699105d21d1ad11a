// The client of an application: workflows, activities and domains of the service.
import os from 'node:os';
import { type Connection, connect } from '../transport/index.ts';
import { type ActivityClient, createActivityClient } from './activity-client.ts';
import { createDomainClient, type DomainClient } from './domain-client.ts';
import { createWorkflowClient, type WorkflowClient } from './workflow-client.ts';

export interface ClientOptions {
  /** host:port of a frontend; or share a connection. */
  readonly address?: string;
  readonly connection?: Connection;
  readonly domain: string;
  readonly identity?: string;
}

export interface Client {
  readonly connection: Connection;
  readonly workflow: WorkflowClient;
  readonly activity: ActivityClient;
  readonly domain: DomainClient;
  /** Closes the connection, unless it was given. */
  close(): void;
}

export function createClient(options: ClientOptions): Client {
  const { address, connection: given, domain } = options;
  if (!given && !address) throw new TypeError('a client needs an address or a connection');
  const connection = given ?? connect({ address: address ?? '' });
  const { calls } = connection;
  const context = { calls, domain, identity: options.identity ?? `${process.pid}@${os.hostname()}` };
  return {
    connection,
    workflow: createWorkflowClient(context),
    activity: createActivityClient(context),
    domain: createDomainClient(calls),
    close: () => {
      if (!given) connection.close();
    },
  };
}
