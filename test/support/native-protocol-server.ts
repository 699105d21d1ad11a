// As much of a Cassandra server, at its native protocol v4, as a driver needs to connect and to read one row: one node, no keyspaces. It goes away and
// comes back at the same port, at any moment of a conversation, which no real server can do in milliseconds; and what it answers is one of two things,
// fitting or not.
import net from 'node:net';

export const DATA_CENTER = 'dc1';
/** The one row that a prepared SELECT answers; every other statement answers nothing at all, without rows. */
export const ANSWER = 'one row';

const VERSION = 4;
const RESPONSE = 0x80;
const HEADER_BYTES = 9;
const REQUESTS = { startup: 1, options: 5, query: 7, prepare: 9, execute: 10, register: 11 } as const;
const RESPONSES = { error: 0, ready: 2, supported: 6, result: 8 } as const;
const RESULTS = { void: 1, rows: 2, prepared: 4 } as const;
const TYPES = { text: 0x0d, uuid: 0x0c, inet: 0x10, set: 0x22 } as const;
const PROTOCOL_ERROR = 0x0a;
const NO_METADATA = 4;
/** Of every answer about the cluster, so that what is asked for meanwhile meets it half-way. */
const ANSWER_MS = 10;
/** The driver prepares everything anew before it calls a host up: as long as that, a connection is there and its host is not. */
const PREPARE_MS = 300;

const short = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);
const int = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const text = (value: string): Buffer => Buffer.concat([short(value.length), Buffer.from(value)]);
const cell = (value: Buffer): Buffer => Buffer.concat([int(value.length), value]);

interface Column {
  readonly name: string;
  readonly type: Buffer;
  readonly value: Buffer;
}

const textColumn = (name: string, value: string): Column => ({
  name,
  type: short(TYPES.text),
  value: Buffer.from(value),
});

/** One row, or none. */
function rows(columns: readonly Column[]): Buffer {
  if (columns.length === 0) return Buffer.concat([RESULTS.rows, NO_METADATA, 0, 0].map(int));
  const [kind, globalTable, count] = [int(RESULTS.rows), int(1), int(columns.length)];
  const described = columns.map(({ name, type }) => Buffer.concat([text(name), type]));
  const cells = columns.map(({ value }) => cell(value));
  return Buffer.concat([kind, globalTable, count, text('ks'), text('table'), ...described, int(1), ...cells]);
}

const LOCAL = rows([
  textColumn('key', 'local'),
  textColumn('data_center', DATA_CENTER),
  textColumn('rack', 'r1'),
  textColumn('release_version', '3.11.0'),
  textColumn('partitioner', 'org.apache.cassandra.dht.Murmur3Partitioner'),
  { name: 'host_id', type: short(TYPES.uuid), value: Buffer.alloc(16, 1) },
  { name: 'rpc_address', type: short(TYPES.inet), value: Buffer.from([127, 0, 0, 1]) },
  {
    name: 'tokens',
    type: Buffer.concat([short(TYPES.set), short(TYPES.text)]),
    value: Buffer.concat([int(1), cell(Buffer.from('0'))]),
  },
]);
const SELECT_ID = 'select';
const prepared = (id: string): Buffer =>
  Buffer.concat([int(RESULTS.prepared), text(id), ...[0, 0, 0, NO_METADATA, 0].map(int)]);

function answerTo(opcode: number, body: Buffer): readonly [opcode: number, body: Buffer] {
  if (opcode === REQUESTS.startup || opcode === REQUESTS.register) return [RESPONSES.ready, Buffer.alloc(0)];
  if (opcode === REQUESTS.options) return [RESPONSES.supported, short(0)];
  if (opcode === REQUESTS.prepare) return [RESPONSES.result, prepared(body.includes('SELECT') ? SELECT_ID : 'other')];
  if (opcode === REQUESTS.execute) {
    return [RESPONSES.result, body.includes(SELECT_ID) ? rows([textColumn('answer', ANSWER)]) : int(RESULTS.void)];
  }
  return [RESPONSES.result, body.includes('FROM system.local') ? LOCAL : rows([])];
}

export interface NativeProtocolServer {
  readonly port: number;
  /** Driver's connections that are open. */
  readonly connections: number;
  /** How often someone subscribed to the events of the cluster: what a control connection does at its end. */
  readonly registrations: number;
  /** All connections break, and none is taken. */
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
}

export async function startNativeProtocolServer(): Promise<NativeProtocolServer> {
  const sockets = new Set<net.Socket>();
  let registrations = 0;
  const serve = (socket: net.Socket): void => {
    const reply = (version: number, header: Buffer, opcode: number, body: Buffer): void => {
      const bytes = Buffer.from([RESPONSE | version, 0, header[2] as number, header[3] as number, opcode]);
      if (socket.writable) socket.write(Buffer.concat([bytes, cell(body)]));
    };
    const receive = (header: Buffer, body: Buffer): void => {
      const [version, , , , opcode] = header as unknown as [number, number, number, number, number];
      if (version !== VERSION) {
        const refusal = `Invalid or unsupported protocol version (${version}); highest is ${VERSION}`;
        reply(VERSION, header, RESPONSES.error, Buffer.concat([int(PROTOCOL_ERROR), text(refusal)]));
        return;
      }
      if (opcode === REQUESTS.register) registrations++;
      const answer = answerTo(opcode, body);
      const delayMs = opcode === REQUESTS.query ? ANSWER_MS : opcode === REQUESTS.prepare ? PREPARE_MS : 0;
      if (delayMs === 0) reply(VERSION, header, ...answer);
      else setTimeout(() => reply(VERSION, header, ...answer), delayMs);
    };
    let received = Buffer.alloc(0);
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // The driver breaks connections off as well; `close` follows.
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= HEADER_BYTES) {
        const end = HEADER_BYTES + received.readInt32BE(5);
        if (received.length < end) return;
        const [header, body] = [received.subarray(0, HEADER_BYTES), received.subarray(HEADER_BYTES, end)];
        received = received.subarray(end);
        receive(header, body);
      }
    });
  };
  const server = net.createServer(serve);
  const listen = (port: number): Promise<void> =>
    new Promise((resolve) => {
      server.listen(port, '127.0.0.1', resolve);
    });
  await listen(0);
  const { port } = server.address() as net.AddressInfo;
  return {
    port,
    get connections() {
      return sockets.size;
    },
    get registrations() {
      return registrations;
    },
    goAway: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
    comeBack: () => listen(port),
  };
}
