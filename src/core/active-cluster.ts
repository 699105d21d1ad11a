// Where a run may be written. In an active-active domain each cluster attribute has its own active cluster and failover version, and a run keeps
// the attribute it was started with; runs without one are where the domain is (semantics §5.9). The domain as the runs of an attribute see it
// is a view of its own, made once with the domain's, so everything that is given "the domain of the run" works unchanged, and a domain that is
// not active-active costs one comparison.
// Invariants: an attribute that the domain does not have (yet) is active nowhere; versions of one attribute never go back.
import type { ActiveClusterSelectionPolicy } from '@antiphon/proto';
import { badRequest, DomainNotActiveError, EntityNotExistsError } from '#base';
import type { DomainView } from './domain-view.ts';

type Policy = ActiveClusterSelectionPolicy | undefined;

export const isActiveActive = (domain: DomainView): boolean => domain.byAttribute !== undefined;

function viewOfAttribute(domain: DomainView, policy: Policy): DomainView | undefined {
  const attribute = policy?.clusterAttribute;
  return attribute === undefined ? domain : domain.byAttribute?.get(attribute.scope)?.get(attribute.name);
}

/** The domain as the run with this policy sees it: its active cluster and failover version. */
export function domainOfRun(domain: DomainView, policy: Policy): DomainView {
  if (policy === undefined || !domain.isGlobal) return domain;
  // A run may be replicated before the change of its domain that made its attribute known: it waits for that.
  return viewOfAttribute(domain, policy) ?? { ...domain, activeCluster: '', isActiveHere: false };
}

/** The same for a run that is to be started. BadRequest: the domain does not have its attribute. */
export function domainOfNewRun(domain: DomainView, policy: Policy): DomainView {
  const found = policy === undefined ? domain : viewOfAttribute(domain, policy);
  if (found !== undefined) return found;
  throw badRequest("Cannot start workflow with a cluster attribute that is not found in the domain's metadata.");
}

/** True while at least some runs of the domain may be written in this cluster. */
export function isActiveHereForSome(domain: DomainView): boolean {
  if (domain.isActiveHere || domain.byAttribute === undefined) return domain.isActiveHere;
  for (const names of domain.byAttribute.values()) {
    for (const view of names.values()) if (view.isActiveHere) return true;
  }
  return false;
}

/** Another cluster from which a run that is not here may come: where the domain is active, or, active-active, some of it. */
export function otherActiveCluster(domain: DomainView, currentCluster: string): string | undefined {
  if (!domain.isGlobal) return undefined;
  if (!domain.isActiveHere) return domain.activeCluster;
  return domain.activeClusters?.find((cluster) => cluster !== currentCluster);
}

/** Where a call that was refused here with this error may be made instead: another region has the run, or may have it. */
export function clustersAfter(error: unknown, domain: DomainView, currentCluster: string): readonly string[] {
  if (!isActiveActive(domain)) return [];
  const isOther = (cluster: string): boolean => cluster !== '' && cluster !== currentCluster;
  if (error instanceof DomainNotActiveError) return [error.activeCluster].filter(isOther);
  // Made in another region just now, it has not arrived yet.
  return error instanceof EntityNotExistsError ? (domain.activeClusters ?? []).filter(isOther) : [];
}

/** Grows with every failover of the domain or of one of its attributes; the failover version itself where there are none. */
export function failoverLevel(domain: DomainView): number {
  let level = domain.failoverVersion;
  for (const names of domain.byAttribute?.values() ?? []) {
    for (const view of names.values()) level += view.failoverVersion;
  }
  return level;
}

export const sameAttribute = (a: Policy, b: Policy): boolean =>
  a?.clusterAttribute?.scope === b?.clusterAttribute?.scope && a?.clusterAttribute?.name === b?.clusterAttribute?.name;

/** `activeCluster`: where the run is, if another cluster than the view's is known to have written it. */
export const notActive = (
  domain: DomainView,
  currentCluster: string,
  activeCluster: string = domain.activeCluster,
): DomainNotActiveError => new DomainNotActiveError(domain.name, currentCluster, activeCluster, domain.activeClusters);
