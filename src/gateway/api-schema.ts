// The API as its .proto descriptors tell it: the RPCs and their routes, message types for proto3 JSON, and the comments of the .proto files.
// Read from the descriptor set that the build makes, when the gateway starts; nothing here is written by hand.
import {
  createFileRegistry,
  type DescMessage,
  type DescMethod,
  type FileRegistry,
  fromBinary,
} from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { assert } from '#base';
import { readDescriptorFile, SERVICE_DEFINITIONS, type UnaryDefinition } from '#rpc';
import { type Comments, readComments } from './proto-comments.ts';

export interface ApiMethod {
  /** `/api/v1/WorkflowAPI/StartWorkflowExecution`. */
  readonly route: string;
  /** `/uber.cadence.api.v1.WorkflowAPI/StartWorkflowExecution`, as in gRPC. */
  readonly path: string;
  /** `WorkflowAPI`. */
  readonly service: string;
  /** `StartWorkflowExecution`. */
  readonly name: string;
  readonly descriptor: DescMethod;
}

export interface ApiSchema {
  /** Every served RPC, in the order of the services. */
  readonly methods: readonly ApiMethod[];
  readonly byRoute: ReadonlyMap<string, ApiMethod>;
  readonly registry: FileRegistry;
  readonly comments: Comments;
  message(typeName: string): DescMessage;
}

const ROUTES: Readonly<Record<string, string>> = {
  'uber.cadence.api.v1': '/api/v1',
  'uber.cadence.admin.v1': '/admin/v1',
  'antiphon.api.v1': '/antiphon/v1',
};

export function loadApiSchema(descriptorSet: Uint8Array = readDescriptorFile()): ApiSchema {
  const set = fromBinary(FileDescriptorSetSchema, descriptorSet);
  const registry = createFileRegistry(set);
  const methods = Object.values(SERVICE_DEFINITIONS)
    .flatMap((definitions) => Object.values<UnaryDefinition>(definitions))
    .map(({ path }) => describe(registry, path));
  return {
    methods,
    byRoute: new Map(methods.map((method) => [method.route, method])),
    registry,
    comments: readComments(set.file),
    message(typeName) {
      const found = registry.getMessage(typeName);
      assert(found !== undefined, `the descriptors have no message ${typeName}`);
      return found;
    },
  };
}

function describe(registry: FileRegistry, path: string): ApiMethod {
  const [, serviceType = '', name = ''] = path.split('/');
  const descriptor = registry.getService(serviceType)?.methods.find((method) => method.name === name);
  assert(descriptor !== undefined, `the descriptors have no RPC ${path}: npm run gen`);
  const dot = serviceType.lastIndexOf('.');
  const service = serviceType.slice(dot + 1);
  const prefix = ROUTES[serviceType.slice(0, dot)];
  assert(prefix !== undefined, `no route for the package of ${path}`);
  return { route: `${prefix}/${service}/${name}`, path, service, name, descriptor };
}
