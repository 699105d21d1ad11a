// Which groups may do what in a domain, by the keys of its data, as Cadence has them: a write group may do anything in the domain, a read group
// may read, a process group may run workers. An absent or empty key names nobody. (Cadence splits an empty value into one group with the empty
// name, which a token without groups has too: there such a token gets in. Here it does not.)
import type { Principal } from '#rpc';
import type { Permission } from './permissions.ts';

export const GROUP_KEYS = { read: 'READ_GROUPS', write: 'WRITE_GROUPS', process: 'PROCESS_GROUPS' } as const;

type DomainData = Readonly<Record<string, string>>;

/** Names separated by spaces; empty ones are none. */
export const groupNames = (text: string): readonly string[] => text.split(/\s+/).filter((name) => name !== '');

const isMember = (principal: Principal, data: DomainData, key: string): boolean => {
  const allowed = Object.hasOwn(data, key) ? (data[key] ?? '') : '';
  return allowed !== '' && groupNames(allowed).some((group) => principal.groups.includes(group));
};

/** `data` undefined: the call is about no domain; only an admin may then do what needs a group of one. */
export function isAllowed(principal: Principal, permission: Permission, data: DomainData | undefined): boolean {
  if (principal.isAdmin || permission === 'known' || permission === 'open') return true;
  if (permission === 'admin' || data === undefined) return false;
  return isMember(principal, data, GROUP_KEYS.write) || isMember(principal, data, GROUP_KEYS[permission]);
}
