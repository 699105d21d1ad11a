// The configuration of visibility: the lists of the store itself, or an index of OpenSearch or Elasticsearch, or both while moving from one to the other.
import { type ConnectionTls, connectionTlsSchema, faultOfConnectionTls } from './tls-schema.ts';

export type VisibilityPlace = 'store' | 'opensearch';

export interface VisibilityConfig {
  /** `both`: a write is done when both have it. */
  readonly write: VisibilityPlace | 'both';
  readonly read: VisibilityPlace;
  readonly opensearch: {
    readonly urls: readonly string[];
    readonly index: string;
    readonly username: string;
    readonly password: string;
    readonly apiKey: string;
    readonly timeoutMs: number;
    readonly tls: ConnectionTls;
  };
}

const INDEX_NAME = /^[a-z0-9][a-z0-9._-]{0,199}$/;

function faultOfUrl(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isUsable = url !== undefined && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
  return isUsable ? undefined : `opensearch.urls: ${JSON.stringify(text)} is no URL of http or https without a user`;
}

export const visibilitySchema = {
  write: {
    doc: 'Where visibility records are written: the store, the index of opensearch, or both (to move from one to the other).',
    format: ['store', 'opensearch', 'both'],
    default: 'store',
    env: 'ANTIPHON_VISIBILITY_WRITE',
  },
  read: {
    doc: 'Where lists and counts are read.',
    format: ['store', 'opensearch'],
    default: 'store',
    env: 'ANTIPHON_VISIBILITY_READ',
  },
  opensearch: {
    urls: {
      doc: 'Nodes of OpenSearch or Elasticsearch, as http://search-1:9200; all of https with tls.enabled.',
      format: Array,
      default: [] as string[],
      env: 'ANTIPHON_OPENSEARCH_URLS',
    },
    index: {
      doc: 'Name of the index; antiphon schema makes it.',
      format: String,
      default: 'antiphon-visibility',
      env: 'ANTIPHON_OPENSEARCH_INDEX',
    },
    username: { doc: 'User, with password.', format: String, default: '', env: 'ANTIPHON_OPENSEARCH_USERNAME' },
    password: { doc: 'Password.', format: String, default: '', env: 'ANTIPHON_OPENSEARCH_PASSWORD' },
    apiKey: {
      doc: 'API key, instead of user and password.',
      format: String,
      default: '',
      env: 'ANTIPHON_OPENSEARCH_API_KEY',
    },
    timeoutMs: {
      doc: 'How long an answer may take.',
      format: 'nat',
      default: 10_000,
      env: 'ANTIPHON_OPENSEARCH_TIMEOUT_MS',
    },
    tls: connectionTlsSchema('OpenSearch', 'ANTIPHON_OPENSEARCH_TLS'),
  },
} as const;

/** What is wrong with the connection; undefined: nothing. */
export function faultOfOpenSearch(opensearch: VisibilityConfig['opensearch']): string | undefined {
  const { urls, index, tls, apiKey, username, timeoutMs } = opensearch;
  if (urls.length === 0) return 'opensearch.urls is missing';
  for (const url of urls) {
    const fault = faultOfUrl(url);
    if (fault !== undefined) return fault;
  }
  if (!urls.every((url) => url.startsWith('https:') === tls.enabled)) {
    return 'opensearch.urls are to be https with opensearch.tls.enabled, and http without';
  }
  if (!INDEX_NAME.test(index)) {
    return `opensearch.index is ${JSON.stringify(index)}: a name has lower-case letters, digits, ".", "_" and "-"`;
  }
  if (apiKey !== '' && username !== '') return 'opensearch has both an apiKey and a username';
  if (timeoutMs < 100) return 'opensearch.timeoutMs must be at least 100';
  const tlsFault = faultOfConnectionTls(tls);
  return tlsFault === undefined ? undefined : `opensearch.tls.${tlsFault}`;
}

/** What is wrong with it as a whole; undefined: nothing. */
export function faultOfVisibility({ write, read, opensearch }: VisibilityConfig): string | undefined {
  if (write !== 'both' && read !== write) return `read is ${read}, where nothing is written: write is ${write}`;
  return write === 'store' ? undefined : faultOfOpenSearch(opensearch);
}

/** The header by which the server is known there; empty for none. */
export function openSearchAuthorization(opensearch: VisibilityConfig['opensearch']): string {
  const { apiKey, username, password } = opensearch;
  if (apiKey !== '') return `ApiKey ${apiKey}`;
  return username === '' ? '' : `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
