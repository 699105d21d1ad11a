// Over HTTP a caller may do what he may do over gRPC: every RPC by every role, as the bearer of his token. What each may do is the table that the
// whole matrix over gRPC is tested against.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PERMISSIONS, type Permission } from '#auth';
import { SERVICE_DEFINITIONS, type ServiceName, type UnaryDefinition } from '#rpc';
import { loadApiSchema } from '../../../src/gateway/api-schema.ts';
import { type Role, type SecureServer, startSecureServer } from '../../support/security/secure-server.ts';
import { get, post } from './target.ts';

let server: SecureServer;
let target: { readonly port: number };
beforeAll(async () => {
  server = await startSecureServer({ http: { address: '127.0.0.1:0' } });
  target = { port: Number(server.running.httpAddress.split(':').at(-1)) };
});
afterAll(() => server.stop());

const UNKNOWN: readonly Role[] = ['no token', 'expired', 'wrong signature'];
const DENIED = { code: 7, message: 'Request unauthorized.' };
const bearer = async (role: Role): Promise<Record<string, string>> => {
  const token = await server.token(role);
  return token === '' ? {} : { authorization: `Bearer ${token}` };
};
const OPEN: ReadonlySet<string> = new Set(
  Object.entries(SERVICE_DEFINITIONS).flatMap(([service, definitions]) =>
    Object.entries<UnaryDefinition>(definitions)
      .filter(([method]) => (PERMISSIONS[service as ServiceName] as Record<string, Permission>)[method] === 'open')
      .map(([, { path }]) => path),
  ),
);

describe('nobody whose token is missing, late or forged', () => {
  test.each(loadApiSchema().methods.map((method) => [method.path.slice(1), method] as const))(
    'calls %s',
    async (_, method) => {
      const answers = await Promise.all(
        UNKNOWN.map(async (role) => post(target, method.route, {}, { 'x-timeout': '5s', ...(await bearer(role)) })),
      );
      for (const { status, body } of answers) {
        if (OPEN.has(method.path)) expect(status).toBe(200);
        // What nobody serves is refused to everybody, as over gRPC.
        else if (status === 501) expect(body.message).toBe(`${method.path.slice(1)} is not served by this server.`);
        else expect([status, body]).toEqual([403, DENIED]);
      }
    },
  );
});

describe('of a domain', () => {
  const describeDomain = async (role: Role): Promise<number> =>
    (await post(target, '/api/v1/DomainAPI/DescribeDomain', { name: 'shop' }, await bearer(role))).status;
  const start = async (role: Role): Promise<number> => {
    const body = { workflowType: 'Order', taskList: 'orders' };
    return (await post(target, '/api/v1/domains/shop/workflows', body, await bearer(role))).status;
  };
  const list = async (role: Role): Promise<number> =>
    (await get(target, '/api/v1/domains/shop/workflows', await bearer(role))).status;
  const cluster = async (role: Role): Promise<number> =>
    (await post(target, '/admin/v1/AdminAPI/DescribeCluster', {}, await bearer(role))).status;

  test.each<[Role, number, number, number]>([
    ['reader', 200, 403, 403],
    ['writer', 200, 201, 403],
    ['admin', 200, 201, 200],
    ['other writer', 403, 403, 403],
    ['no group', 403, 403, 403],
  ])('the %s reads, starts and administers as over gRPC', async (role, reads, starts, administers) => {
    expect([await describeDomain(role), await list(role), await start(role), await cluster(role)]).toEqual([
      reads,
      reads,
      starts,
      administers,
    ]);
  });

  test('a token in Cadence’s own header counts too', async () => {
    const headers = { 'cadence-authorization': await server.token('reader') };
    expect((await post(target, '/api/v1/DomainAPI/DescribeDomain', { name: 'shop' }, headers)).status).toBe(200);
  });
});

test('a stranger’s large body is not read', async () => {
  const start = '/api/v1/WorkflowAPI/StartWorkflowExecution';
  const large = `{"domain": "${'x'.repeat(100_000)}`;
  for (const path of [start, '/api/v1/domains/shop/workflows']) {
    expect((await post(target, path, large)).body).toEqual(DENIED);
    expect((await post(target, path, large, await bearer('writer'))).status).toBe(400);
  }
});

test('the page and the document, which tell nothing of the data, are for everybody', async () => {
  expect((await get(target, '/')).status).toBe(200);
  expect((await get(target, '/openapi.json')).status).toBe(200);
});
