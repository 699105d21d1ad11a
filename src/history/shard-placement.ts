// Where shards are, when several hosts share them: what the history service asks of the cluster. A host alone has no placement and serves all.

export interface ShardPlacement {
  /** Host that the ring gives the shard; undefined: there is none now. */
  ownerOf(shardId: number): string | undefined;
  /** The ring gives it to this host. */
  isMine(shardId: number): boolean;
  /** False while others may have taken this host for dead: it goes on with what it has, and acquires nothing. */
  isCurrent(): boolean;
  /** Shards that this host has when all are spread evenly: divides its memory. */
  evenShare(): number;
  /** Resolves when these shards may be acquired, with those that a host has just let go; whoever has others does not answer, or is dead. */
  claim(shardIds: readonly number[]): Promise<ReadonlySet<number>>;
  /** Another host has taken a shard: looks at who is there before it is taken back. */
  lookNow(): Promise<void>;
  onChange(listener: () => void): () => void;
}
