// GetWorkflowExecutionHistory: pages of a run from the history service, or, when retention has taken the run and its domain archives, from
// the archive. Page tokens come back from clients: one of another domain or run is refused before anything is read with it.
import type { GetWorkflowExecutionHistoryResponse } from '@antiphon/proto';
import { HistoryPageToken } from '@antiphon/proto/internal';
import { badRequest, EntityNotExistsError } from '#base';
import type { DomainView } from '#core';
import { READ_HISTORY_ARCHIVE } from '#dynamicconfig';
import type { CallOptions, RunRef, WithHistory } from '#rpc';
import { naming } from './passive-reads.ts';
import type { FrontendDeps } from './ports.ts';

export interface HistoryRead extends CallOptions {
  readonly pageSize: number;
  readonly token: Uint8Array;
  readonly waitForNewEvent: boolean;
  readonly closeEventOnly: boolean;
  readonly skipArchival: boolean;
}

type Page = WithHistory<GetWorkflowExecutionHistoryResponse>;
type ArchivePage = { historyBlobs: readonly Uint8Array[]; nextPageToken: Uint8Array };

export function createHistoryReader(
  deps: FrontendDeps,
): (domain: DomainView, run: RunRef, read: HistoryRead) => Promise<Page> {
  const { history, archiver, clusters, domains } = deps;
  const readsArchive = deps.config.property(READ_HISTORY_ARCHIVE);

  const fromArchive = async (domain: DomainView, run: RunRef, size: number, token: Uint8Array) => {
    if (archiver === undefined || !readsArchive.get() || !domain.archivesHistory || run.runId === '') return undefined;
    const historyUri = (await domains.record(domain.id)).domain?.historyArchivalUri ?? '';
    if (historyUri === '') {
      throw badRequest('Requested workflow history not found, may have passed retention period.');
    }
    return archiver.readHistory({ ...run, historyUri }, { size, token });
  };

  return async (domain, run, read) => {
    const token = decodePageToken(read.token, run);
    if (token?.archived) {
      const key = Buffer.from(token.archiveKey, 'base64');
      const page = await fromArchive(domain, { ...run, runId: token.runId }, read.pageSize, key);
      if (page === undefined) throw badRequest('Invalid NextPageToken.');
      return archivedPage({ ...run, runId: token.runId }, page);
    }
    try {
      return livePage(await naming(clusters, domain, () => history.getHistory(run, read)));
    } catch (error) {
      if (!(error instanceof EntityNotExistsError) || token !== undefined || read.skipArchival) throw error;
      const page = await fromArchive(domain, run, read.pageSize, new Uint8Array());
      if (page === undefined) throw error;
      return archivedPage(run, page);
    }
  };
}

const livePage = ({ historyBlobs, nextPageToken }: ArchivePage): Page => ({
  response: { history: undefined, rawHistory: [], nextPageToken, archived: false },
  historyBlobs,
});

function archivedPage(run: RunRef, { historyBlobs, nextPageToken }: ArchivePage): Page {
  const token =
    nextPageToken.length === 0
      ? new Uint8Array()
      : HistoryPageToken.encode(
          HistoryPageToken.create({
            domainId: run.domainId,
            workflowId: run.workflowId,
            runId: run.runId,
            archived: true,
            archiveKey: Buffer.from(nextPageToken).toString('base64'),
          }),
        ).finish();
  return { response: { history: undefined, rawHistory: [], nextPageToken: token, archived: true }, historyBlobs };
}

/** undefined for no token. What is in it beyond the ids is checked by those who use it. */
function decodePageToken(bytes: Uint8Array, run: RunRef): HistoryPageToken | undefined {
  if (bytes.length === 0) return undefined;
  let token: HistoryPageToken;
  try {
    token = HistoryPageToken.decode(bytes);
  } catch (cause) {
    throw badRequest('Invalid NextPageToken.', { cause });
  }
  if (token.domainId !== run.domainId || token.workflowId !== run.workflowId || token.runId === '') {
    throw badRequest('Invalid NextPageToken.');
  }
  if (run.runId !== '' && run.runId !== token.runId) {
    throw badRequest('RunID in the request does not match the NextPageToken.');
  }
  return token;
}
