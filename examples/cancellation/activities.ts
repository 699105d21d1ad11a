// A booking service that remembers what it did, so that the example can check it.
import { ApplicationFailure } from '@antiphon/sdk/activity';

const journal = new Map<string, string[]>();

/** What was done for the trip, in order. */
export const journalOf = (tripId: string): readonly string[] => journal.get(tripId) ?? [];

function write(tripId: string, entry: string): void {
  journal.set(tripId, [...journalOf(tripId), entry]);
}

export async function book(tripId: string, service: string): Promise<void> {
  if (service === 'sold-out') throw new ApplicationFailure(`${service} has no places left`, { type: 'SoldOut' });
  write(tripId, `book ${service}`);
}

export async function giveBack(tripId: string, service: string): Promise<void> {
  write(tripId, `give back ${service}`);
}
