// Cluster attributes of active-active domains: what a request may ask for, and what becomes of a domain's attributes (semantics §5.9). Pure.
// Each attribute has an active cluster and a failover version of its own, which belongs to that cluster and never goes back. Attributes are
// added and moved, never removed: runs that were started with one keep it. Of two regions' changes the larger version of each counts.
// Cadence: common/domain/attrValidator.go, clusterattributes.go
import { ActiveClusterInfo, ActiveClusters, ClusterAttributeScope, type Domain } from '@antiphon/proto';
import { badRequest } from '#base';
import { type ClusterGroup, nextFailoverVersion } from '#core';
import type { DomainOptions } from './options.ts';

export interface AttributeCluster {
  readonly scope: string;
  readonly name: string;
  readonly cluster: string;
  readonly failoverVersion: number;
}

export interface MovedAttribute {
  /** Undefined: the attribute is new. */
  readonly from: AttributeCluster | undefined;
  readonly to: AttributeCluster;
}

/** The attributes of a message, ordered by scope and name. */
export function attributesOf(activeClusters: ActiveClusters | undefined): readonly AttributeCluster[] {
  const found: AttributeCluster[] = [];
  for (const [scope, { clusterAttributes }] of Object.entries(activeClusters?.activeClustersByClusterAttribute ?? {})) {
    for (const [name, info] of Object.entries(clusterAttributes)) {
      const { activeClusterName: cluster, failoverVersion } = info;
      found.push({ scope, name, cluster, failoverVersion: Number(failoverVersion) });
    }
  }
  return found.sort((a, b) => compare(a.scope, b.scope) || compare(a.name, b.name));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export const hasAttributes = (domain: Pick<Domain, 'activeClusters'>): boolean =>
  attributesOf(domain.activeClusters).length > 0;

/** Undefined when there are none: the domain is then active-passive. */
function messageOf(attributes: Iterable<AttributeCluster>): ActiveClusters | undefined {
  const scopes: Record<string, ClusterAttributeScope> = {};
  for (const { scope, name, cluster, failoverVersion } of attributes) {
    if (!Object.hasOwn(scopes, scope)) scopes[scope] = ClusterAttributeScope.fromPartial({});
    const { clusterAttributes } = scopes[scope] as ClusterAttributeScope; // Just made.
    clusterAttributes[name] = ActiveClusterInfo.fromPartial({
      activeClusterName: cluster,
      failoverVersion: BigInt(failoverVersion),
    });
  }
  if (Object.keys(scopes).length === 0) return undefined;
  return ActiveClusters.fromPartial({ activeClustersByClusterAttribute: scopes });
}

const keyOf = ({ scope, name }: AttributeCluster): string => JSON.stringify([scope, name]);

const byKey = (attributes: readonly AttributeCluster[]): Map<string, AttributeCluster> =>
  new Map(attributes.map((attribute) => [keyOf(attribute), attribute]));

/** What a request asks for, checked as far as that needs no domain. Versions are the server's: those of the request do not count. */
export function requestedAttributes(
  activeClusters: ActiveClusters | undefined,
  options: DomainOptions,
): readonly AttributeCluster[] {
  if (activeClusters === undefined) return [];
  if (Object.keys(activeClusters.regionToCluster).length > 0) {
    throw badRequest(
      'ActiveClusters.RegionToCluster is not supported: set cluster attributes, with "region" as scope.',
    );
  }
  for (const [scope, { clusterAttributes }] of Object.entries(activeClusters.activeClustersByClusterAttribute)) {
    requireText(scope, 'a scope', options);
    if (Object.keys(clusterAttributes).length === 0) {
      throw badRequest(`ActiveClusters: scope "${scope}" has no cluster attributes.`);
    }
  }
  const attributes = attributesOf(activeClusters);
  for (const { name, failoverVersion } of attributes) {
    requireText(name, 'an attribute name', options);
    if (failoverVersion < 0) throw badRequest(`invalid failover version: ${failoverVersion}`);
  }
  requireCount(attributes.length, options);
  return attributes;
}

function requireText(text: string, what: string, { clusterAttributeLengthMax: max }: DomainOptions): void {
  if (text === '') throw badRequest(`ActiveClusters: ${what} is empty.`);
  // Names of an object's own workings cannot be keys of a map on the wire.
  if (text === '__proto__') throw badRequest(`ActiveClusters: "${text}" cannot be ${what}.`);
  if (text.length > max) throw badRequest(`ActiveClusters: ${what} exceeds the length limit of ${max}.`);
}

function requireCount(count: number, { clusterAttributeCountMax: max }: DomainOptions): void {
  if (count > max) throw badRequest(`ActiveClusters: ${count} cluster attributes exceed the limit of ${max}.`);
}

const isEnabled = (group: ClusterGroup, name: string): boolean =>
  Object.hasOwn(group.clusters, name) && group.clusters[name]?.enabled === true;

/** The attributes of a new domain. */
export function registeredAttributes(
  wishes: readonly AttributeCluster[],
  group: ClusterGroup,
): ActiveClusters | undefined {
  return messageOf(
    wishes.map((wish) => {
      if (!isEnabled(group, wish.cluster)) {
        throw badRequest(
          `Cluster ${wish.cluster} not found. Domain cannot be registered in this cluster for scope ${JSON.stringify(wish.scope)} ` +
            `and attribute ${JSON.stringify(wish.name)}`,
        );
      }
      return { ...wish, failoverVersion: nextFailoverVersion(group, wish.cluster, 0) };
    }),
  );
}

/** The domain's attributes after those of the wishes were added or moved, and what of them is different. */
export function movedAttributes(
  domain: Domain,
  wishes: readonly AttributeCluster[],
  group: ClusterGroup,
  options: DomainOptions,
): { readonly activeClusters: ActiveClusters | undefined; readonly moved: readonly MovedAttribute[] } {
  const attributes = byKey(attributesOf(domain.activeClusters));
  const moved: MovedAttribute[] = [];
  for (const wish of wishes) {
    if (!isEnabled(group, wish.cluster)) throw badRequest(`Invalid active cluster name: ${wish.cluster}`);
    const from = attributes.get(keyOf(wish));
    if (from?.cluster === wish.cluster) continue;
    // A new one begins no lower than the domain, so that its runs may take over workflow ids that were used before.
    const current = from?.failoverVersion ?? Number(domain.failoverVersion);
    const to = { ...wish, failoverVersion: nextFailoverVersion(group, wish.cluster, current) };
    attributes.set(keyOf(wish), to);
    moved.push({ from, to });
  }
  requireCount(attributes.size, options);
  return { activeClusters: moved.length === 0 ? domain.activeClusters : messageOf(attributes.values()), moved };
}

/** Both regions' attributes: of each the one with the larger version. The same object as `local` when there is nothing new. */
export function mergedAttributes(
  local: ActiveClusters | undefined,
  remote: ActiveClusters | undefined,
): ActiveClusters | undefined {
  const attributes = byKey(attributesOf(local));
  let hasChanged = false;
  for (const attribute of attributesOf(remote)) {
    const known = attributes.get(keyOf(attribute));
    if (known !== undefined && known.failoverVersion >= attribute.failoverVersion) continue;
    attributes.set(keyOf(attribute), attribute);
    hasChanged = true;
  }
  return hasChanged ? messageOf(attributes.values()) : local;
}
