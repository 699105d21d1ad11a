// All RPCs × all kinds of callers, over real gRPC. The RPCs come from the descriptors of the .proto files: a new one fails here until it has its row.
import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PERMISSIONS, type Permission } from '#auth';
import { ServiceError } from '#base';
import {
  encodeQueryTaskToken,
  encodeTaskToken,
  type RemoteFrontendClient,
  readDescriptorFile,
  SERVICE_DEFINITIONS,
  type ServiceName,
  type UnaryDefinition,
} from '#rpc';
import { descriptorMethods } from '../../support/security/descriptor-methods.ts';
import { ROLES, type Role, type SecureServer, startSecureServer } from '../../support/security/secure-server.ts';

const ALLOWED: Readonly<Record<Permission, ReadonlySet<Role>>> = (() => {
  const known: Role[] = [
    'no group',
    'other reader',
    'other writer',
    'other process',
    'reader',
    'writer',
    'process',
    'admin',
  ];
  return {
    open: new Set(ROLES),
    known: new Set(known),
    read: new Set<Role>(['reader', 'writer', 'admin']),
    write: new Set<Role>(['writer', 'admin']),
    process: new Set<Role>(['process', 'writer', 'admin']),
    admin: new Set<Role>(['admin']),
  };
})();

const RPCS = Object.entries(SERVICE_DEFINITIONS).flatMap(([service, definitions]) =>
  Object.entries<UnaryDefinition>(definitions).map(([method, definition]) => ({
    service: service as ServiceName,
    method,
    path: definition.path,
  })),
);

let server: SecureServer;
let shopId = '';
beforeAll(async () => {
  server = await startSecureServer();
  shopId = (await server.running.region.domains.byName('shop')).id;
});
afterAll(() => server.stop());

/** A request about `shop` that is refused to nobody but for who he is, and does no harm. */
function requestOf(service: ServiceName, method: string): object {
  const request = emptyRequest(service, method);
  const fields: Readonly<Record<string, unknown>> = {
    domain: 'shop',
    domainName: 'shop',
    name: 'no-such-domain', // Of the RPCs that only admins may call: they find nothing to change.
    taskToken: method === 'respondQueryTaskCompleted' ? queryToken() : taskToken(),
  };
  const own = Object.keys(fields).filter((key) => key in request);
  return { ...request, ...Object.fromEntries(own.map((key) => [key, fields[key]])), ...NESTED[method]?.() };
}

const emptyRequest = (service: ServiceName, method: string): Record<string, unknown> => {
  const definitions = SERVICE_DEFINITIONS[service] as Readonly<Record<string, UnaryDefinition>>;
  return definitions[method]?.requestDeserialize(Buffer.alloc(0)) as Record<string, unknown>;
};
const run = () => ({ domainId: shopId, workflowId: 'w', runId: 'r' });
const taskToken = () => encodeTaskToken({ ...run(), scheduleId: 7, scheduleAttempt: 0 });
const queryToken = () => encodeQueryTaskToken({ ...run(), taskList: 'tl', taskId: 'task' });
const start = () => ({ ...emptyRequest('workflow', 'startWorkflowExecution'), domain: 'shop' });

// Message fields: an empty request has no key for them.
const NESTED: Readonly<Record<string, () => object>> = {
  describeDomain: () => ({ describeBy: { $case: 'name', value: 'shop' } }),
  listFailoverHistory: () => ({ filters: { domainId: shopId } }),
  signalWithStartWorkflowExecution: () => ({ startRequest: start() }),
  startWorkflowExecutionAsync: () => ({ request: start() }),
  signalWithStartWorkflowExecutionAsync: () => ({
    request: { ...emptyRequest('workflow', 'signalWithStartWorkflowExecution'), startRequest: start() },
  }),
};

type Outcome = 'denied' | 'unserved' | 'allowed';

async function outcomeOf(client: RemoteFrontendClient, service: ServiceName, method: string): Promise<Outcome> {
  const call = (
    client[service] as unknown as Readonly<Record<string, (request: object, options: object) => Promise<unknown>>>
  )[method];
  try {
    // Too short for a long poll: polls that are allowed say so.
    await call?.(requestOf(service, method), { timeoutMs: 1500 });
    return 'allowed';
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    const { kind, message } = error;
    if (kind === 'AccessDenied') {
      expect(message).toBe('Request unauthorized.');
      return 'denied';
    }
    return kind === 'Unimplemented' ? 'unserved' : 'allowed';
  }
}

describe('the permission table', () => {
  test('has a row for every RPC of the .proto files, and no other', () => {
    const declared = descriptorMethods(readDescriptorFile())
      // Calls between hosts are on a listener of their own, which wants mTLS.
      .filter((path) => !/^\/(grpc|antiphon\.internal)\./.test(path))
      .sort();
    const rows = Object.entries(PERMISSIONS).flatMap(([service, methods]) =>
      Object.keys(methods).map((method) => {
        const definitions = SERVICE_DEFINITIONS[service as ServiceName] as Readonly<Record<string, UnaryDefinition>>;
        return definitions[method]?.path ?? `${service}.${method} is no RPC`;
      }),
    );
    expect(rows.sort()).toEqual(declared);
  });

  test('is the one that the documentation shows', () => {
    const text = fs.readFileSync(new URL('../../../docs/operate/security.md', import.meta.url), 'utf8');
    const documented = new Map(
      [...text.matchAll(/^\| `(open|known|read|write|process|admin)` \|[^|]*\|([^|]*)\|$/gm)].flatMap(
        ([, permission, names]) =>
          [...(names ?? '').matchAll(/`(?:(\w+)\.)?(\w+)`/g)].map(([, service, name]) => [
            `${service}.${name}`,
            permission,
          ]),
      ),
    );
    const rows = RPCS.map(({ service, method, path }) => {
      const [, full = '', name = ''] = path.split('/');
      const short = full.slice(full.lastIndexOf('.') + 1);
      return [`${short}.${name}`, (PERMISSIONS[service] as Readonly<Record<string, Permission>>)[method]] as const;
    });
    const missing = rows.filter(([name, permission]) => {
      const service = name.split('.')[0];
      return (documented.get(name) ?? documented.get(`${service}.all`)) !== permission;
    });
    expect(missing).toEqual([]);
  });
});

describe.each(ROLES)('a caller with: %s', (role) => {
  test(`may do exactly what the table says of ${RPCS.length} RPCs`, async () => {
    const wrong: string[] = [];
    let served = 0;
    for (const { service, method, path } of RPCS) {
      const permission = (PERMISSIONS[service] as Readonly<Record<string, Permission>>)[method] as Permission;
      const expected: Outcome = ALLOWED[permission].has(role) ? 'allowed' : 'denied';
      const outcome = await outcomeOf(server.client(role), service, method);
      if (outcome !== 'unserved') served++;
      if (outcome !== expected && outcome !== 'unserved') wrong.push(`${path} (${permission}): ${outcome}`);
    }
    expect(wrong).toEqual([]);
    expect(served).toBeGreaterThan(60);
  });
});
