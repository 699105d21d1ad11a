// ListArchivedWorkflowExecutions: newest close day first, within a day the newest pack first, within a pack the latest close first. A call
// reads a bounded number of objects; when it ends early its page is short and its token goes on. A run that was archived again with other
// events is listed once, as the newest archive of it has it.
import type { WorkflowExecutionInfo } from '@antiphon/proto';
import { badRequest, dataInconsistency } from '#base';
import type { ArchiveQuery } from './archive-query.ts';
import type { DomainArchive } from './archives.ts';
import { decompress } from './compression.ts';
import { dayOf, isRunsKey } from './layout.ts';
import type { Locators } from './locator.ts';
import { closeTimeMsOf, infoOfLine, linesOf, type RunLine, visibilityRecordOf } from './run-line.ts';

const OBJECTS_PER_CALL_MAX = 200;
const KEYS_PER_DAY_MAX = 100_000;

/** Where the next page starts: at the given match of that runs object. */
interface Position {
  readonly day: string;
  readonly key: string;
  readonly skip: number;
}

function decodeToken(token: Uint8Array): Position | undefined {
  if (token.length === 0) return undefined;
  try {
    const position: Partial<Position> = JSON.parse(Buffer.from(token).toString('utf8'));
    const { day, key, skip } = position;
    if (typeof day === 'string' && typeof key === 'string' && Number.isSafeInteger(skip)) {
      return { day, key, skip: Number(skip) };
    }
  } catch (error) {
    throw badRequest('Invalid NextPageToken.', { cause: error });
  }
  throw badRequest('Invalid NextPageToken.');
}

/** Days that have objects, newest first, found by jumping from one day's folder to the next. */
async function daysOf(archive: DomainArchive, bounds: ArchiveQuery): Promise<readonly string[]> {
  const prefix = `${archive.folder.path}/`;
  const first = bounds.closedFromMs === undefined ? '' : dayOf(Math.max(0, bounds.closedFromMs));
  const last = bounds.closedToMs === undefined ? '9999/12/31' : dayOf(Math.min(bounds.closedToMs, 253402300799999));
  const days: string[] = [];
  let afterKey = prefix + first;
  for (;;) {
    const [key] = await archive.store.list(prefix, { afterKey, limit: 1 });
    const day = key?.slice(prefix.length, prefix.length + '2026/11/21'.length);
    if (day === undefined || !/^\d{4}\/\d\d\/\d\d$/.test(day) || day > last) return days.reverse();
    days.push(day);
    afterKey = `${prefix}${day}/~`;
  }
}

interface Match {
  readonly line: RunLine;
  readonly info: WorkflowExecutionInfo;
}

/** What the matches show, without those whose run was archived again later. */
async function newestOf(matches: readonly Match[], locators: Locators): Promise<readonly WorkflowExecutionInfo[]> {
  const found = await Promise.all(matches.map(({ line }) => locators.find(line)));
  return matches
    .filter(({ line }, index) => {
      const locator = found[index];
      return locator === undefined || locator.closeFailoverVersion <= line.closeFailoverVersion;
    })
    .map(({ info }) => info);
}

async function matchesIn(archive: DomainArchive, key: string, query: ArchiveQuery): Promise<readonly Match[]> {
  const content = await archive.store.get(key);
  if (content === undefined) throw dataInconsistency(`Archive object ${key} is missing.`);
  const matches: Match[] = [];
  for (const line of linesOf(await decompress(content))) {
    const info = infoOfLine(line);
    if (query.matches(visibilityRecordOf(line, info))) matches.push({ line, info });
  }
  return matches.sort((a, b) => closeTimeMsOf(b.info) - closeTimeMsOf(a.info));
}

export async function listArchived(
  archive: DomainArchive,
  locators: Locators,
  query: ArchiveQuery,
  page: { readonly size: number; readonly token: Uint8Array },
): Promise<{ executions: readonly WorkflowExecutionInfo[]; nextPageToken: Uint8Array }> {
  const from = decodeToken(page.token);
  const executions: WorkflowExecutionInfo[] = [];
  const stopAt = (position: Position) => ({ executions, nextPageToken: Buffer.from(JSON.stringify(position)) });
  let objects = 0;
  for (const day of await daysOf(archive, query)) {
    if (from !== undefined && day > from.day) continue;
    const keys = await archive.store.list(`${archive.folder.path}/${day}/`, { limit: KEYS_PER_DAY_MAX });
    for (const key of keys.filter(isRunsKey).reverse()) {
      if (from !== undefined && day === from.day && key > from.key) continue;
      const skip = key === from?.key ? from.skip : 0;
      if (objects++ >= OBJECTS_PER_CALL_MAX) return stopAt({ day, key, skip });
      const matches = (await matchesIn(archive, key, query)).slice(skip);
      const room = page.size - executions.length;
      executions.push(...(await newestOf(matches.slice(0, room), locators)));
      if (matches.length > room) return stopAt({ day, key, skip: skip + room });
    }
  }
  return { executions, nextPageToken: new Uint8Array() };
}
