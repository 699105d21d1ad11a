// The .proto descriptors that reflection serves: one FileDescriptorSet made by the build. Only the few fields reflection needs are read
// (names, dependencies), with a reader of our own; the file descriptors themselves are passed on as bytes.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { BinaryReader } from '@bufbuild/protobuf/wire';

export interface DescriptorSet {
  /** A file and, after it, all that it imports. */
  fileByName(name: string): readonly Uint8Array[] | undefined;
  /** The file that declares a message, enum, service, method, field or oneof. */
  fileBySymbol(symbol: string): readonly Uint8Array[] | undefined;
}

const FILE_NAME = 'descriptors.binpb';
// Where the file lies beside or above this module: in the source tree, in the built proto package, or beside a bundle.
const PLACES = ['', 'proto/src/gen', 'proto/dist', 'dist/proto', 'node_modules/@antiphon/proto/dist'];

/** The bytes of the set, wherever this code was started from. */
export function readDescriptorFile(from: string = fileURLToPath(import.meta.url)): Uint8Array {
  for (let folder = path.dirname(from); ; folder = path.dirname(folder)) {
    for (const place of PLACES) {
      const candidate = path.join(folder, place, FILE_NAME);
      if (fs.existsSync(candidate)) return fs.readFileSync(candidate);
    }
    if (folder === path.dirname(folder))
      throw new Error(`${FILE_NAME} was not found at or above ${path.dirname(from)}`);
  }
}

interface FileEntry {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly dependencies: readonly string[];
}

export function parseDescriptorSet(bytes: Uint8Array): DescriptorSet {
  const files = new Map<string, FileEntry>();
  const owners = new Map<string, FileEntry>();
  for (const fileBytes of fieldsOf(bytes).get(1) ?? []) {
    const fields = fieldsOf(fileBytes);
    const file: FileEntry = {
      name: textOf(fields, 1),
      bytes: fileBytes,
      dependencies: (fields.get(3) ?? []).map(decodeText),
    };
    files.set(file.name, file);
    for (const symbol of symbolsOfFile(fields)) owners.set(symbol, file);
  }
  const withImports = (file: FileEntry | undefined): readonly Uint8Array[] | undefined =>
    file === undefined ? undefined : [...closure(file, files)].map((entry) => entry.bytes);
  return {
    fileByName: (name) => withImports(files.get(name)),
    fileBySymbol: (symbol) => withImports(owners.get(symbol.replace(/^\./, ''))),
  };
}

function closure(file: FileEntry, files: ReadonlyMap<string, FileEntry>): ReadonlySet<FileEntry> {
  const found = new Set([file]);
  for (const entry of found) {
    for (const name of entry.dependencies) {
      const dependency = files.get(name);
      if (dependency !== undefined) found.add(dependency); // A set visits what is added while it is walked.
    }
  }
  return found;
}

type Fields = ReadonlyMap<number, readonly Uint8Array[]>;

// google.protobuf.FileDescriptorProto: package 2, message_type 4, enum_type 5, service 6.
function* symbolsOfFile(fields: Fields): Generator<string> {
  const scope = textOf(fields, 2);
  for (const message of fields.get(4) ?? []) yield* symbolsOfMessage(fieldsOf(message), scope);
  for (const item of fields.get(5) ?? []) yield qualified(scope, fieldsOf(item));
  for (const item of fields.get(6) ?? []) {
    const service = fieldsOf(item);
    const name = qualified(scope, service);
    yield name;
    for (const method of service.get(2) ?? []) yield qualified(name, fieldsOf(method));
  }
}

// DescriptorProto: field 2, nested_type 3, enum_type 4, oneof_decl 8.
function* symbolsOfMessage(message: Fields, scope: string): Generator<string> {
  const name = qualified(scope, message);
  yield name;
  for (const nested of message.get(3) ?? []) yield* symbolsOfMessage(fieldsOf(nested), name);
  for (const field of [2, 4, 8]) {
    for (const item of message.get(field) ?? []) yield qualified(name, fieldsOf(item));
  }
}

const qualified = (scope: string, fields: Fields): string => {
  const name = textOf(fields, 1);
  return scope === '' ? name : `${scope}.${name}`;
};

const utf8 = new TextDecoder();
const decodeText = (bytes: Uint8Array): string => utf8.decode(bytes);
const textOf = (fields: Fields, number: number): string => decodeText(fields.get(number)?.[0] ?? new Uint8Array());

const LENGTH_DELIMITED = 2;

/** The length-delimited fields of a message, by number. */
function fieldsOf(bytes: Uint8Array): Fields {
  const reader = new BinaryReader(bytes);
  const fields = new Map<number, Uint8Array[]>();
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (wireType !== LENGTH_DELIMITED) {
      reader.skip(wireType);
      continue;
    }
    const values = fields.get(number);
    if (values === undefined) fields.set(number, [reader.bytes()]);
    else values.push(reader.bytes());
  }
  return fields;
}
