// gRPC server reflection, v1 and (same messages, older name) v1alpha, so that grpcurl and friends work without our .proto files. The
// descriptors are read on first use: most servers are never asked.
import {
  type ServerReflectionRequest,
  type ServerReflectionResponse,
  ServerReflectionService,
} from '@antiphon/proto/reflection';
import type { Server, ServerDuplexStream, ServiceDefinition } from '@grpc/grpc-js';
import { badRequest, EntityNotExistsError } from '#base';
import { type CallContext, createCallContext } from './call-context.ts';
import { type DescriptorSet, parseDescriptorSet, readDescriptorFile } from './descriptors.ts';
import { statusFromError } from './errors.ts';

/** Settles when the caller proved who he is; throws or rejects otherwise. */
export type Authenticate = (operation: string, context: CallContext) => unknown;

type Stream = ServerDuplexStream<ServerReflectionRequest, ServerReflectionResponse>;
type Answer = NonNullable<ServerReflectionResponse['messageResponse']>;

const ALPHA_PATH = '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo';
export const REFLECTION_SERVICES = ['grpc.reflection.v1.ServerReflection', 'grpc.reflection.v1alpha.ServerReflection'];

export function addReflectionService(
  server: Server,
  serviceNames: readonly string[],
  authenticate?: Authenticate,
): void {
  let descriptors: DescriptorSet | undefined;
  const load = (): DescriptorSet => {
    descriptors ??= parseDescriptorSet(readDescriptorFile());
    return descriptors;
  };
  const implementation = {
    serverReflectionInfo(stream: Stream) {
      // The schema of a service is for those who may call it. Requests wait in the stream until their caller is known.
      authenticated(stream, authenticate).then(
        () => {
          stream.on('data', (request: ServerReflectionRequest) => {
            stream.write({
              validHost: request.host,
              originalRequest: request,
              messageResponse: answer(request, load, serviceNames),
            });
          });
          stream.on('end', () => stream.end());
        },
        (error: unknown) => stream.emit('error', statusFromError(error)),
      );
    },
  };
  server.addService(ServerReflectionService, implementation);
  const alpha: ServiceDefinition = {
    serverReflectionInfo: { ...ServerReflectionService.serverReflectionInfo, path: ALPHA_PATH },
  };
  server.addService(alpha, implementation);
}

async function authenticated(stream: Stream, authenticate: Authenticate | undefined): Promise<void> {
  await authenticate?.('ServerReflectionInfo', createCallContext(stream));
}

function answer(request: ServerReflectionRequest, load: () => DescriptorSet, serviceNames: readonly string[]): Answer {
  const asked = request.messageRequest;
  switch (asked?.$case) {
    case 'listServices':
      return { $case: 'listServicesResponse', value: { service: serviceNames.map((name) => ({ name })) } };
    case 'fileByFilename':
      return files(load().fileByName(asked.value), asked.value);
    case 'fileContainingSymbol':
      return files(load().fileBySymbol(asked.value), asked.value);
    case 'fileContainingExtension':
      return notFound(asked.value.containingType);
    case 'allExtensionNumbersOfType':
      // proto3 without extensions: known messages have none.
      return load().fileBySymbol(asked.value) === undefined
        ? notFound(asked.value)
        : { $case: 'allExtensionNumbersResponse', value: { baseTypeName: asked.value, extensionNumber: [] } };
    case undefined:
      return failure(badRequest('the request asks for nothing'));
  }
}

const files = (found: readonly Uint8Array[] | undefined, name: string): Answer =>
  found === undefined
    ? notFound(name)
    : { $case: 'fileDescriptorResponse', value: { fileDescriptorProto: [...found] } };

const notFound = (name: string): Answer => failure(new EntityNotExistsError(`${name.slice(0, 200)} is not known`));

function failure(error: Error): Answer {
  const { code, details } = statusFromError(error);
  return { $case: 'errorResponse', value: { errorCode: code, errorMessage: details } };
}
