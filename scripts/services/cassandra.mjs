// Apache Cassandra 5.0 from Maven's jars: one node, bounded at 768 MB of heap (CASSANDRA_HEAP_MB: another). (4.1 does not start on Java 17.)
import fs from 'node:fs';
import path from 'node:path';
import { jars } from './downloads.mjs';
import { greets } from './greeting.mjs';
import { java, missingJava } from './java.mjs';

const VERSION = '5.0.6';

const EXPORTS = [
  'java.base/jdk.internal.misc',
  'java.base/jdk.internal.ref',
  'java.base/sun.nio.ch',
  'java.management.rmi/com.sun.jmx.remote.internal.rmi',
  'java.rmi/sun.rmi.registry',
  'java.rmi/sun.rmi.server',
  'java.sql/java.sql',
];

const OPENS = [
  ...['java.lang', 'java.lang.module', 'java.io', 'java.util', 'java.util.concurrent', 'java.util.concurrent.atomic'],
  ...['java.nio', 'sun.nio.ch', 'jdk.internal.loader', 'jdk.internal.ref', 'jdk.internal.reflect'],
  ...['jdk.internal.math', 'jdk.internal.module', 'jdk.internal.util.jar'],
].map((name) => `java.base/${name}`);

// Of one node with one copy a kill loses what its commit log did not sync: CASSANDRA_COMMITLOG_SYNC=batch syncs before it acknowledges, which is slow.
const COMMITLOG_SYNC = {
  periodic: 'commitlog_sync: periodic\ncommitlog_sync_period: 10000ms',
  batch: 'commitlog_sync: batch',
};

// CASSANDRA_YAML: more lines of its configuration, for a server with limits of its own.
const moreYaml = () => process.env.CASSANDRA_YAML ?? '';

const heapMb = () => Number(process.env.CASSANDRA_HEAP_MB ?? 768);

// Timeouts are those of a busy test machine: several times the defaults, so that a pause of two cores is no failure.
const yamlOf = (folder, ports, clusterName) => `cluster_name: ${clusterName}
num_tokens: 1
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
endpoint_snitch: SimpleSnitch
seed_provider:
  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
    parameters:
      - seeds: "127.0.0.1:${ports.storage}"
listen_address: 127.0.0.1
rpc_address: 127.0.0.1
native_transport_port: ${ports.native}
storage_port: ${ports.storage}
ssl_storage_port: ${ports.sslStorage}
${COMMITLOG_SYNC[process.env.CASSANDRA_COMMITLOG_SYNC ?? 'periodic']}
commitlog_total_space: 1024MiB
data_file_directories:
  - ${folder}/data
commitlog_directory: ${folder}/commitlog
saved_caches_directory: ${folder}/saved_caches
hints_directory: ${folder}/hints
cdc_raw_directory: ${folder}/cdc_raw
cdc_enabled: false
paxos_variant: v2
memtable_heap_space: ${Math.floor(heapMb() / 4)}MiB
memtable_offheap_space: ${Math.floor(heapMb() / 4)}MiB
file_cache_size: 64MiB
networking_cache_size: 32MiB
auto_snapshot: false
concurrent_reads: 16
concurrent_writes: 16
concurrent_compactors: 1
compaction_throughput: 0MiB/s
read_request_timeout: 10s
range_request_timeout: 20s
write_request_timeout: 10s
cas_contention_timeout: 5s
truncate_request_timeout: 60s
request_timeout: 20s
${moreYaml()}
`;

const LOGBACK = `<configuration>
  <appender name="STDOUT" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%-5level %date{ISO8601} %logger{0} - %msg%n</pattern></encoder>
  </appender>
  <root level="WARN"><appender-ref ref="STDOUT"/></root>
</configuration>
`;

// The options of the protocol are asked for: answered (SUPPORTED) as soon as queries are.
const OPTIONS = {
  question: Buffer.from([4, 0, 0, 0, 5, 0, 0, 0, 0]),
  isExpected: (answer) => answer[4] === 6,
};

export const cassandra = {
  name: 'cassandra',
  title: `Apache Cassandra ${VERSION}`,
  ports: ['native', 'storage', 'sslStorage'],
  missing: () => missingJava(11, 17),
  prepare: (progress) => jars(`cassandra-${VERSION}`, [`org.apache.cassandra:cassandra-all:${VERSION}`], progress),

  command({ folder, ports, installed, instance }) {
    const conf = path.join(folder, 'conf');
    fs.mkdirSync(conf, { recursive: true });
    fs.writeFileSync(path.join(conf, 'cassandra.yaml'), yamlOf(folder, ports, `antiphon-${instance}`));
    fs.writeFileSync(path.join(conf, 'logback.xml'), LOGBACK);
    const agent = fs.readdirSync(installed).find((name) => /^jamm-.*\.jar$/.test(name));
    const args = [
      ...[
        `-Xms${Math.floor(heapMb() / 3)}m`,
        `-Xmx${heapMb()}m`,
        // With two cores and a small heap: no collector beside the work, and cheaper writes of references.
        '-XX:+UseParallelGC',
        '-XX:MaxDirectMemorySize=256m',
        '-XX:+ExitOnOutOfMemoryError',
        '-Xss512k',
      ],
      `-javaagent:${path.join(installed, agent)}`,
      ...['-Djdk.attach.allowAttachSelf=true', '-Djava.security.manager=allow', '-Dcassandra-foreground=yes'],
      `-Dcassandra.config=file://${conf}/cassandra.yaml`,
      `-Dlogback.configurationFile=file://${conf}/logback.xml`,
      `-Dcassandra.storagedir=${folder}`,
      ...[
        '-Dcassandra.skip_wait_for_gossip_to_settle=0',
        '-Dcassandra.ring_delay_ms=100',
        '-Dcassandra.initial_token=0',
      ],
      ...EXPORTS.flatMap((name) => ['--add-exports', `${name}=ALL-UNNAMED`]),
      ...[...OPENS, 'jdk.management/com.sun.management.internal'].flatMap((name) => [
        '--add-opens',
        `${name}=ALL-UNNAMED`,
      ]),
      ...['-cp', `${conf}:${installed}/*`, 'org.apache.cassandra.service.CassandraDaemon'],
    ];
    return { command: java(), args };
  },

  isReady: ({ ports }) => greets(ports.native, OPTIONS),
  variables: ({ ports }) => ({
    CASSANDRA_CONTACT_POINTS: `127.0.0.1:${ports.native}`,
    CASSANDRA_LOCAL_DATACENTER: 'datacenter1',
  }),
};
