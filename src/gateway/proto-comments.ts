// The comments of the .proto files, by what they stand before: the text of the OpenAPI document. Descriptors keep them apart from what they
// describe, in SourceCodeInfo, under paths of field numbers and indexes (google/protobuf/descriptor.proto).
import type {
  DescriptorProto,
  EnumDescriptorProto,
  FileDescriptorProto,
  ServiceDescriptorProto,
} from '@bufbuild/protobuf/wkt';

/** `proto` of any descriptor; empty when nothing is written there. */
export interface Comments {
  of(proto: object): string;
}

type Visit = (proto: object, path: string) => void;

export function readComments(files: readonly FileDescriptorProto[]): Comments {
  const texts = new Map<object, string>();
  for (const file of files) {
    const byPath = new Map<string, string>();
    for (const { path, leadingComments, trailingComments } of file.sourceCodeInfo?.location ?? []) {
      const text = cleaned(leadingComments || trailingComments);
      if (text !== '') byPath.set(path.join('.'), text);
    }
    if (byPath.size === 0) continue;
    walk(file, (proto, path) => {
      const text = byPath.get(path);
      if (text !== undefined) texts.set(proto, text);
    });
  }
  return { of: (proto) => texts.get(proto) ?? '' };
}

// FileDescriptorProto: message_type 4, enum_type 5, service 6.
function walk(file: FileDescriptorProto, visit: Visit): void {
  file.messageType.forEach((message, index) => {
    walkMessage(message, `4.${index}`, visit);
  });
  file.enumType.forEach((item, index) => {
    walkEnum(item, `5.${index}`, visit);
  });
  file.service.forEach((service, index) => {
    walkService(service, `6.${index}`, visit);
  });
}

// DescriptorProto: field 2, nested_type 3, enum_type 4.
function walkMessage(message: DescriptorProto, path: string, visit: Visit): void {
  visit(message, path);
  message.field.forEach((field, index) => {
    visit(field, `${path}.2.${index}`);
  });
  message.nestedType.forEach((nested, index) => {
    walkMessage(nested, `${path}.3.${index}`, visit);
  });
  message.enumType.forEach((item, index) => {
    walkEnum(item, `${path}.4.${index}`, visit);
  });
}

// EnumDescriptorProto: value 2.
function walkEnum(item: EnumDescriptorProto, path: string, visit: Visit): void {
  visit(item, path);
  item.value.forEach((value, index) => {
    visit(value, `${path}.2.${index}`);
  });
}

// ServiceDescriptorProto: method 2.
function walkService(service: ServiceDescriptorProto, path: string, visit: Visit): void {
  visit(service, path);
  service.method.forEach((method, index) => {
    visit(method, `${path}.2.${index}`);
  });
}

const cleaned = (comment: string): string =>
  comment
    .split('\n')
    .map((line) => line.trim())
    .join(' ')
    .trim();
