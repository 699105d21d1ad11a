// Decisions that reach into another domain: children, signals, cancellations, activities there. A worker's permission is for the domain whose task it
// answers; what its decisions do elsewhere needs WRITE there, as if it called there itself. Otherwise a worker of one tenant could act in all.
import type { Decision } from '@antiphon/proto';
import { EntityNotExistsError } from '#base';
import type { DomainView } from '#core';
import type { CallContext, Principal } from '#rpc';
import type { FrontendDeps } from './ports.ts';

/** Throws AccessDenied. `own` is the domain whose task is answered. */
export async function authorizeForeignDomains(
  { accessControl, domains }: Pick<FrontendDeps, 'accessControl' | 'domains'>,
  decisions: readonly Decision[],
  own: string,
  { principal, context }: { readonly principal: Principal | undefined; readonly context: CallContext },
): Promise<void> {
  if (accessControl === undefined || principal === undefined || principal.isAdmin) return;
  const foreign = new Set<string>();
  for (const { attributes } of decisions) {
    const name = attributes !== undefined && 'domain' in attributes.value ? attributes.value.domain : '';
    if (name !== '' && name !== own) foreign.add(name);
  }
  for (const name of foreign) {
    const domain = await viewOf(name, domains);
    // One that does not exist fails the decision, as the engine says.
    if (domain === undefined) continue;
    accessControl.authorize(principal, {
      operation: 'RespondDecisionTaskCompleted',
      permission: 'write',
      domain,
      context,
    });
  }
}

async function viewOf(name: string, domains: FrontendDeps['domains']): Promise<DomainView | undefined> {
  try {
    return domains.peekByName(name) ?? (await domains.byName(name));
  } catch (error) {
    if (error instanceof EntityNotExistsError) return undefined;
    throw error;
  }
}
