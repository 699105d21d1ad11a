// The input of every simulated workflow and activity: the tenant it belongs to, and the seed of what it will do. Marks every payload with
// its tenant, so that one that turns up in another tenant's run is seen.
export interface StoryInput {
  readonly tenant: string;
  readonly plan: number;
  /** Continue-as-new runs still allowed. */
  readonly depth: number;
  /** Children of children are not made. */
  readonly isChild: boolean;
}

export const encodeInput = (input: object): { data: Buffer } => ({ data: Buffer.from(JSON.stringify(input)) });

export function decodeInput(payload: { data: Uint8Array } | undefined): StoryInput {
  const text = Buffer.from(payload?.data ?? []).toString();
  return JSON.parse(text) as StoryInput;
}
