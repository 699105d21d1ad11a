// What the configuration of visibility refuses, with the key that is wrong.
import { describe, expect, it } from 'vitest';
import { type ConfigOverrides, loadConfig } from '#config';

type Given = NonNullable<ConfigOverrides['visibility']>;

const load = (visibility: Given, environment: NodeJS.ProcessEnv = {}) =>
  loadConfig({ overrides: { visibility }, environment }).visibility;
const urls = ['http://search-1:9200'];

describe('the configuration of visibility', () => {
  it('is the store alone when nothing is said', () => {
    expect(load({})).toMatchObject({ write: 'store', read: 'store' });
  });

  it('takes nodes from the environment, and a password from nowhere else needed', () => {
    const environment = {
      ANTIPHON_VISIBILITY_WRITE: 'both',
      ANTIPHON_OPENSEARCH_URLS: 'https://a:9200,https://b:9200',
      ANTIPHON_OPENSEARCH_TLS_ENABLED: 'true',
      ANTIPHON_OPENSEARCH_USERNAME: 'antiphon',
      ANTIPHON_OPENSEARCH_PASSWORD: 'secret',
    };
    expect(load({}, environment)).toMatchObject({
      write: 'both',
      read: 'store',
      opensearch: { urls: ['https://a:9200', 'https://b:9200'], password: 'secret', tls: { enabled: true } },
    });
  });

  it.each<[Given, string]>([
    [{ write: 'opensearch' }, 'visibility: read is store, where nothing is written: write is opensearch'],
    [{ read: 'opensearch' }, 'visibility: read is opensearch, where nothing is written: write is store'],
    [{ write: 'both' }, 'visibility: opensearch.urls is missing'],
    [{ write: 'both', opensearch: { urls: ['search-1:9200'] } }, '"search-1:9200" is no URL of http or https'],
    [{ write: 'both', opensearch: { urls: ['http://u:p@search-1'] } }, 'is no URL of http or https without a user'],
    [{ write: 'both', opensearch: { urls, tls: { enabled: true } } }, 'https with opensearch.tls.enabled'],
    [{ write: 'both', opensearch: { urls, index: 'Runs' } }, 'opensearch.index is "Runs"'],
    [{ write: 'both', opensearch: { urls, apiKey: 'k', username: 'u' } }, 'both an apiKey and a username'],
    [{ write: 'both', opensearch: { urls, timeoutMs: 5 } }, 'opensearch.timeoutMs must be at least 100'],
  ])('refuses %j', (visibility, text) => {
    expect(() => load(visibility)).toThrow(text);
  });
});
