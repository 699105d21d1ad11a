// Seeds that once found a defect of the product. A seed draws its world from the code of the simulation, so it means the same world only as long
// as the draws do; each entry says what it found, so that a seed that has lost its meaning can be told from one that still guards.

export interface Regression {
  readonly seed: number;
  /** Of each region (1). */
  readonly hosts?: number;
  readonly found: string;
}

export const REGRESSIONS: readonly Regression[] = [
  { seed: 33, found: 'a child that ended before replication brought its parent never told it' },
  {
    seed: 56,
    found: 'a lost signal that could not be added again put the events of the winning branch into the dead letters',
  },
  { seed: 299, found: 'a child whose start was known only to a branch that lost never had its first decision' },
  {
    seed: 304,
    found: 'a child made by a start of unknown outcome, whose parent then closed, never had its first decision',
  },
  {
    seed: 693,
    found: 'a heartbeat by a clock that had gone back was due before the only timer that would have missed it',
  },
  {
    seed: 727,
    found: 'matching dropped a decision because a replaced owner of the shard, which did not know it, refused it',
  },
  {
    seed: 777,
    found: 'a consumer that another of its region had overtaken waited for ever for entries that were trimmed',
  },
  {
    seed: 992,
    found: 'of two consumers of a region the slower one set the saved position back',
  },
  {
    seed: 653,
    found: 'a failover whose commit had an unknown outcome, and happened, was never told to the other region',
  },
  { seed: 4, hosts: 3, found: 'a shard that came to a host while the others had forgotten it was never opened' },
  {
    seed: 324,
    hosts: 3,
    found: 'a write whose shard closed between its commit and its acknowledgement was never answered',
  },
];
