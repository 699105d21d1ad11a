// Apache Kafka (KRaft, one node that is broker and controller) from Maven's jars, bounded at 512 MB of heap.
import fs from 'node:fs';
import path from 'node:path';
import { jars, runQuietly } from './downloads.mjs';
import { greets } from './greeting.mjs';
import { java, missingJava } from './java.mjs';

const VERSION = '3.9.1';
const ARTIFACTS = [`org.apache.kafka:kafka_2.13:${VERSION}`, 'org.slf4j:slf4j-simple:1.7.36'];
const CLUSTER_ID = 'AAAAAAAAAAAAAAAAAAAAAA';

const propertiesOf = (folder, { broker, controller }) => `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controller}
listeners=PLAINTEXT://127.0.0.1:${broker},CONTROLLER://127.0.0.1:${controller}
advertised.listeners=PLAINTEXT://127.0.0.1:${broker}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=${folder}/logs
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
`;

/** Asks which API versions there are (version 0): the first question of every client. */
function apiVersions() {
  const question = Buffer.alloc(14);
  question.writeInt32BE(10, 0);
  question.writeInt16BE(18, 4); // ApiVersions
  question.writeInt32BE(1, 8); // correlation id
  question.writeInt16BE(-1, 12); // no client id
  const isExpected = (answer) => answer.length >= 10 && answer.readInt32BE(4) === 1 && answer.readInt16BE(8) === 0;
  return { question, isExpected };
}

export const kafka = {
  name: 'kafka',
  title: `Apache Kafka ${VERSION}`,
  ports: ['broker', 'controller'],
  missing: () => missingJava(11),
  prepare: (progress) => jars(`kafka-${VERSION}`, ARTIFACTS, progress),

  async command({ folder, ports, installed, progress }) {
    const file = path.join(folder, 'server.properties');
    fs.writeFileSync(file, propertiesOf(folder, ports));
    const classPath = `${installed}/*`;
    if (!fs.existsSync(path.join(folder, 'logs/meta.properties'))) {
      progress('formatting its storage …');
      await runQuietly(java(), ['-cp', classPath, 'kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', file]);
    }
    const log = ['-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-Dorg.slf4j.simpleLogger.showDateTime=true'];
    return { command: java(), args: ['-Xmx512m', ...log, '-cp', classPath, 'kafka.Kafka', file] };
  },

  isReady: ({ ports }) => greets(ports.broker, apiVersions()),
  variables: ({ ports }) => ({ KAFKA_BROKERS: `127.0.0.1:${ports.broker}` }),
};
