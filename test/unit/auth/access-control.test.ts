// Who a caller is, and what his groups allow: the parts that no RPC is needed for.
import { describe, expect, test } from 'vitest';
import { createAccessControl, GROUP_KEYS, isAllowed, type Permission, permissionOf, TokenRefused } from '#auth';
import { createRealEnv, type LogFields, quietLogger } from '#env';
import { createLocalContext, type Principal } from '#rpc';

const member = (...groups: string[]): Principal => ({ name: 'ann', isAdmin: false, groups });
const data = (read: string, write: string, process: string) => ({
  [GROUP_KEYS.read]: read,
  [GROUP_KEYS.write]: write,
  [GROUP_KEYS.process]: process,
});

describe('a permission', () => {
  const all: Permission[] = ['open', 'known', 'read', 'write', 'process', 'admin'];
  const allowed = (principal: Principal, domain: Record<string, string> | undefined) =>
    all.filter((permission) => isAllowed(principal, permission, domain));

  test.each<[string, Principal, Record<string, string> | undefined, Permission[]]>([
    ['read groups read', member('r'), data('r', 'w', 'p'), ['open', 'known', 'read']],
    [
      'write groups do all of a domain',
      member('w'),
      data('r', 'w', 'p'),
      ['open', 'known', 'read', 'write', 'process'],
    ],
    ['process groups process', member('p'), data('r', 'w', 'p'), ['open', 'known', 'process']],
    ['one of several groups will do', member('x', 'r2'), data(' r1  r2 ', '', ''), ['open', 'known', 'read']],
    ['part of a name is no name', member('r'), data('r1 xr', '', ''), ['open', 'known']],
    ['nobody is in an empty group', member(''), data('', '', ''), ['open', 'known']],
    ['nor in one that is not there', member(), {}, ['open', 'known']],
    [
      'nor in one that the object inherits',
      member('function'),
      Object.create({ READ_GROUPS: 'function' }),
      ['open', 'known'],
    ],
    ['a call about no domain needs an admin', member('w'), undefined, ['open', 'known']],
    ['an admin may do all', { name: 'root', isAdmin: true, groups: [] }, undefined, all],
  ])('%s', (_, principal, domain, expected) => {
    expect(allowed(principal, domain)).toEqual(expected);
  });

  test('exists for an RPC or the RPC cannot be served', () => {
    expect(permissionOf('domain', 'listDomains')).toBe('known');
    expect(() => permissionOf('domain', 'renameDomain')).toThrow('domain.renameDomain has no row');
    expect(() => permissionOf('domain', 'constructor')).toThrow('no row');
  });
});

describe('access control', () => {
  const lines: LogFields[] = [];
  const logger = {
    ...quietLogger,
    child: () => logger,
    warn: (_: string, fields?: LogFields) => void lines.push(fields ?? {}),
  };
  const access = createAccessControl({
    env: { ...createRealEnv(), logger },
    verifier: {
      verify: (token) => {
        if (token === '') throw new TokenRefused('the call has no token');
        if (token === 'broken') throw new RangeError('a defect of ours');
        return token === 'late' ? Promise.reject(new TokenRefused('the token is expired')) : member(token);
      },
      close: () => {},
    },
    certificates: [
      { subject: 'worker-1', principal: member('workers') },
      { subject: 'URI:spiffe://prod/ops', principal: { name: 'ops', isAdmin: true, groups: [] } },
    ],
  });
  const who = async (fields: Parameters<typeof createLocalContext>[0]) =>
    access.authenticate('ListDomains', createLocalContext(fields));
  const certificate = (commonName: string, ...alternativeNames: string[]) => ({
    clientCertificate: { commonName, alternativeNames },
  });

  test('knows a caller by token, by certificate, or as the process itself', async () => {
    expect(await who({ authorization: 'g' })).toEqual(member('g'));
    expect(await who(certificate('worker-1'))).toEqual(member('workers'));
    expect(await who(certificate('x', 'DNS:x', 'URI:spiffe://prod/ops'))).toMatchObject({ name: 'ops', isAdmin: true });
    expect(await who({ ...certificate('worker-1'), authorization: 'g' })).toEqual(member('g'));
    expect(await who({ isSystem: true })).toMatchObject({ name: 'system', isAdmin: true });
  });

  test('refuses all others with the same words, and logs why', async () => {
    const denied = { kind: 'AccessDenied', message: 'Request unauthorized.' };
    for (const fields of [{}, certificate('worker-2'), certificate(''), { authorization: 'late' }]) {
      await expect(who(fields)).rejects.toMatchObject(denied);
    }
    expect(lines[0]).toMatchObject({ operation: 'ListDomains', reason: 'the call has no token', suppressed: 0 });
    // The others came within the same second.
    expect(lines).toHaveLength(1);
  });

  test('does not take a defect for a refusal', async () => {
    await expect(who({ authorization: 'broken' })).rejects.toBeInstanceOf(RangeError);
  });
});
