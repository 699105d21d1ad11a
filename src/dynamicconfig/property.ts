// A key's values, compiled for lookup. A key nobody has constrained costs one field read; one constrained by domain a map lookup more.
// The object stays the same when values change: callers keep it.
import { type ConstrainedValue, type Constraints, holds, isUnconstrained } from './constraints.ts';

export interface Property<T> {
  /** Where nothing is known of the case at hand. */
  get(): T;
  ofDomain(domainName: string): T;
  of(known: Constraints): T;
  /** Domains for which `ofDomain` may differ. */
  readonly domains: readonly string[];
}

interface Rule<T> {
  readonly constraints: Constraints;
  readonly value: T;
}

export class CompiledProperty<T> implements Property<T> {
  readonly #clusterName: string;
  #everywhere: T;
  /** In the order they count in; undefined when there are none. */
  #rules: readonly Rule<T>[] | undefined;
  /** Of the rules with no constraint but the domain. */
  #byDomain: ReadonlyMap<string, T> | undefined;

  constructor(initial: T, clusterName: string) {
    this.#everywhere = initial;
    this.#clusterName = clusterName;
  }

  get(): T {
    return this.#everywhere;
  }

  ofDomain(domainName: string): T {
    return this.#byDomain === undefined ? this.#everywhere : (this.#byDomain.get(domainName) ?? this.#everywhere);
  }

  of(known: Constraints): T {
    if (this.#rules === undefined) return this.#everywhere;
    for (const rule of this.#rules) if (holds(rule.constraints, known)) return rule.value;
    return this.#everywhere;
  }

  /** Domains for which `ofDomain` may differ. */
  get domains(): readonly string[] {
    return this.#byDomain === undefined ? [] : [...this.#byDomain.keys()];
  }

  /** `values` were parsed by this property's key. True when something changed. */
  compile(values: readonly ConstrainedValue[], fallback: T): boolean {
    const before = this.#fingerprint();
    const rules: Rule<T>[] = [];
    let everywhere: T | undefined;
    for (const { value, constraints } of values) {
      const { clusterName, ...own } = constraints;
      if (clusterName !== undefined && clusterName !== this.#clusterName) continue;
      if (isUnconstrained(constraints)) everywhere ??= value as T;
      else rules.push({ constraints: own, value: value as T });
    }
    this.#everywhere = everywhere ?? fallback;
    const first = rules.findIndex((rule) => isUnconstrained(rule.constraints));
    // Constrained by the cluster alone: it holds everywhere here, before whatever follows it.
    if (first >= 0) {
      this.#everywhere = (rules[first] as Rule<T>).value;
      rules.length = first;
    }
    this.#rules = rules.length === 0 ? undefined : rules;
    this.#byDomain = domainRules(rules);
    return this.#fingerprint() !== before;
  }

  #fingerprint(): string {
    return JSON.stringify([this.#everywhere, this.#rules]);
  }
}

function domainRules<T>(rules: readonly Rule<T>[]): ReadonlyMap<string, T> | undefined {
  const byDomain = new Map<string, T>();
  for (const { constraints, value } of rules) {
    const { domainName, ...others } = constraints;
    if (domainName === undefined || !isUnconstrained(others) || byDomain.has(String(domainName))) continue;
    byDomain.set(String(domainName), value);
  }
  return byDomain.size === 0 ? undefined : byDomain;
}
