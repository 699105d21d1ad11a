// The RPCs that the .proto files declare, read from the descriptor set with protobufjs, not with the code under test.
import protobuf from 'protobufjs';

const fields = protobuf.Root.fromJSON({
  nested: {
    Set: { fields: { file: { id: 1, type: 'File', rule: 'repeated' } } },
    File: {
      fields: { package: { id: 2, type: 'string' }, service: { id: 6, type: 'Service', rule: 'repeated' } },
    },
    Service: { fields: { name: { id: 1, type: 'string' }, method: { id: 2, type: 'Method', rule: 'repeated' } } },
    Method: { fields: { name: { id: 1, type: 'string' } } },
  },
});

interface FileSet {
  readonly file?: readonly {
    readonly package?: string;
    readonly service?: readonly { readonly name: string; readonly method?: readonly { readonly name: string }[] }[];
  }[];
}

/** As `/package.Service/Method`. */
export function descriptorMethods(descriptors: Uint8Array): readonly string[] {
  const decoded = fields.lookupType('Set').decode(descriptors) as unknown as FileSet; // The shape declared above.
  return (decoded.file ?? []).flatMap((file) =>
    (file.service ?? []).flatMap((service) =>
      (service.method ?? []).map((method) => `/${file.package}.${service.name}/${method.name}`),
    ),
  );
}
