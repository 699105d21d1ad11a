// The RPCs and messages as the descriptor set that the build made declares them: a new RPC is fuzzed without a line here.
import { createFileRegistry, type DescMessage, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { readDescriptorFile, SERVICE_DEFINITIONS, type UnaryDefinition } from '#rpc';

export interface Method {
  /** `/uber.cadence.api.v1.WorkflowAPI/StartWorkflowExecution`. */
  readonly path: string;
  /** `WorkflowAPI`. */
  readonly service: string;
  /** `StartWorkflowExecution`; of the admin service `admin.RefreshWorkflowTasks`. */
  readonly name: string;
  readonly input: DescMessage;
  /** Of the HTTP gateway. */
  readonly route: string;
  readonly decodeReply: (bytes: Buffer) => unknown;
}

const ROUTES: Readonly<Record<string, string>> = {
  'uber.cadence.api.v1': '/api/v1',
  'uber.cadence.admin.v1': '/admin/v1',
  'antiphon.api.v1': '/antiphon/v1',
};

/** `only`: names of services; none: all. */
export function loadMethods(only: readonly string[] = []): readonly Method[] {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readDescriptorFile()));
  const definitions = Object.values(SERVICE_DEFINITIONS).flatMap((service) => Object.values<UnaryDefinition>(service));
  const byPath = new Map(definitions.map((definition) => [definition.path, definition]));
  const methods: Method[] = [];
  for (const type of registry) {
    const route = type.kind === 'service' ? ROUTES[type.file.proto.package] : undefined;
    if (type.kind !== 'service' || route === undefined) continue;
    if (only.length > 0 && !only.includes(type.name)) continue;
    for (const method of type.methods) {
      const path = `/${type.typeName}/${method.name}`;
      methods.push({
        path,
        service: type.name,
        name: type.name === 'AdminAPI' ? `admin.${method.name}` : method.name,
        input: method.input,
        route: `${route}/${type.name}/${method.name}`,
        decodeReply: (bytes) => byPath.get(path)?.responseDeserialize(bytes),
      });
    }
  }
  if (methods.length === 0) throw new Error(`no service ${only.join(', ')} in the descriptors`);
  return methods;
}
