// A client that is made as cadence-web's is: proto-loader over the .proto files with its options, two seconds to connect and then fifty more for
// the call, its metadata, and errors that are known by code and text alone.
import { createRequire } from 'node:module';
import path from 'node:path';
import * as grpc from '@grpc/grpc-js';

// The loader that grpc-js itself depends on.
const loader = createRequire(createRequire(import.meta.url).resolve('@grpc/grpc-js'))('@grpc/proto-loader') as {
  loadSync(file: string, options: object): Parameters<typeof grpc.loadPackageDefinition>[0];
};

const PROTO = path.join(import.meta.dirname, '../../../proto');
const MESSAGE_BYTES_MAX = 64 * 1024 * 1024;
const CONNECT_SECONDS = 2;
const CALL_SECONDS = 50;

export class WebError extends Error {
  readonly code: number;
  constructor(message: string, code: number) {
    super(message);
    this.code = code;
  }
}

// Answers are looked into as the web's own code does: as plain objects of strings.
// biome-ignore lint/suspicious/noExplicitAny: proto-loader's objects have no static type
export type Answer = any;
export type WebCall = (request: object) => Promise<Answer>;

const SERVICES = {
  admin: ['uber/cadence/admin/v1/service.proto', 'uber.cadence.admin.v1.AdminAPI'],
  domain: ['uber/cadence/api/v1/service_domain.proto', 'uber.cadence.api.v1.DomainAPI'],
  schedule: ['uber/cadence/api/v1/service_schedule.proto', 'uber.cadence.api.v1.ScheduleAPI'],
  visibility: ['uber/cadence/api/v1/service_visibility.proto', 'uber.cadence.api.v1.VisibilityAPI'],
  workflow: ['uber/cadence/api/v1/service_workflow.proto', 'uber.cadence.api.v1.WorkflowAPI'],
} as const;

export interface WebClient {
  call(service: keyof typeof SERVICES, method: string, request: object): Promise<Answer>;
  close(): void;
}

export function createWebClient(peer: string): WebClient {
  const clients = new Map<string, grpc.Client>();
  const clientOf = (service: keyof typeof SERVICES): grpc.Client => {
    let client = clients.get(service);
    if (client === undefined) {
      const [file, name] = SERVICES[service];
      const definition = loader.loadSync(path.join(PROTO, file), {
        bytes: String,
        enums: String,
        longs: String,
        defaults: true,
        includeDirs: [PROTO],
        oneofs: true,
      });
      const Service = name
        .split('.')
        .reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], grpc.loadPackageDefinition(definition));
      client = new (Service as grpc.ServiceClientConstructor)(peer, grpc.credentials.createInsecure(), {
        'grpc.max_send_message_length': MESSAGE_BYTES_MAX,
        'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
      });
      clients.set(service, client);
    }
    return client;
  };
  return {
    call: (service, method, request) =>
      new Promise((resolve, reject) => {
        const client = clientOf(service);
        const deadline = new Date();
        deadline.setSeconds(deadline.getSeconds() + CONNECT_SECONDS);
        client.waitForReady(deadline, (fault) => {
          if (fault) return reject(new WebError('Server unavailable', grpc.status.UNAVAILABLE));
          deadline.setSeconds(deadline.getSeconds() + CALL_SECONDS);
          const send = (client as unknown as Record<string, (...args: unknown[]) => void>)[method]!;
          send.call(client, request, metadata(), { deadline }, (error: grpc.ServiceError | null, answer: Answer) => {
            if (error === null) resolve(answer);
            else reject(new WebError(error.details, error.code));
          });
        });
      }),
    close: () => {
      for (const client of clients.values()) client.close();
    },
  };
}

function metadata(): grpc.Metadata {
  const made = new grpc.Metadata();
  made.add('rpc-service', 'cadence-frontend');
  made.add('rpc-caller', 'cadence-web');
  made.add('rpc-encoding', 'proto');
  made.add('cadence-caller-type', 'ui');
  return made;
}

/** Bytes in answers are base64; in requests the web gives buffers. */
export const textOf = (data: string): string => Buffer.from(data, 'base64').toString();
export const jsonOf = (data: string): Answer => JSON.parse(textOf(data));
export const payload = (text: string): { data: Buffer } => ({ data: Buffer.from(text, 'utf-8') });
/** Milliseconds of a timestamp as the web reads it. */
export const timeOf = ({ seconds, nanos }: { seconds: string; nanos: number }): number =>
  Number.parseInt(seconds, 10) * 1000 + nanos / 1e6;
