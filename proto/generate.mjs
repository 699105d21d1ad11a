// Generates proto/src/gen from the .proto files with ts-proto, and one index per package that re-exports its messages.
// Run by `npm run gen` (part of install and build). The output is not committed. It is made beside and then put in place as a whole, so that two
// runs at once, or a build during one, never see half of it.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const target = path.join(here, 'src/gen');
const out = path.join(here, '.cache', `gen-${process.pid}`);
const bin = (name) => path.join(here, '../node_modules/.bin', name);
const options = [
  'forceLong=bigint',
  'useDate=false',
  'esModuleInterop=true',
  'env=both',
  'oneof=unions-value',
  'useOptionals=messages',
  'outputServices=grpc-js',
  'outputPartialMethods=true',
  'outputJsonMethods=true',
  'unknownFields=false',
  'importSuffix=.ts',
  'enumsAsLiterals=true',
  'useExactTypes=false',
  'useJsTypeOverride=true',
  'outputTypeRegistry=false',
  'stringEnums=false',
];
const template = {
  version: 'v2',
  plugins: [{ local: bin('protoc-gen-ts_proto'), out, opt: options, strategy: 'all', include_imports: true }],
};

fs.rmSync(out, { recursive: true, force: true });
fs.mkdirSync(out, { recursive: true });
execFileSync(bin('buf'), ['generate', '--template', JSON.stringify(template)], { cwd: here, stdio: 'inherit' });
execFileSync(bin('buf'), ['build', '-o', path.join(out, 'descriptors.binpb')], { cwd: here, stdio: 'inherit' });

/** Generated text with the costly parts replaced by those of src/codec.ts. */
function useSharedCodec(text, codec) {
  const int64 =
    / *if \(BigInt\.asIntN\(64, (?:BigInt\()?(message\.[\w.]+)\)?\) !== [^{]+\{\s*throw new globalThis\.Error\([^;]*;\s*\}\s*writer\.uint32\((\d+)\)\.int64\((?:BigInt\()?message\.[\w.]+\)?\);/g;
  const rewritten = text
    .replace(int64, (_, field, tag) => `      writeInt64(writer.uint32(${tag}), ${field});`)
    .replaceAll('writer: BinaryWriter = new BinaryWriter()', 'writer: BinaryWriter = sharedWriter()')
    .replace(/Buffer\.from\((\w+\.encode\(value\)\.finish\(\))\)/g, 'asBuffer($1)')
    .replace('globalThis.Number(int64.toString())', 'globalThis.Number(int64)')
    .replace('longToNumber(int64: { toString(): string })', 'longToNumber(int64: bigint | number | string)');
  const names = ['asBuffer', 'sharedWriter', 'writeInt64'].filter((name) => rewritten.includes(`${name}(`));
  if (names.length === 0) return rewritten;
  return rewritten.replace(
    /^import \{[^}]*\} from "@bufbuild\/protobuf\/wire";$/m,
    (line) => `${line}\nimport { ${names.join(', ')} } from "${codec}";`,
  );
}

for (const name of fs.readdirSync(out, { recursive: true })) {
  if (!name.endsWith('.ts')) continue;
  const file = path.join(out, name);
  const codec = path
    .relative(path.dirname(path.join(target, name)), path.join(here, 'src/codec.ts'))
    .replaceAll(path.sep, '/');
  fs.writeFileSync(file, useSharedCodec(fs.readFileSync(file, 'utf8'), codec));
}

const indexes = {
  api: 'uber/cadence/api/v1',
  admin: 'uber/cadence/admin/v1',
  audit: 'antiphon/api/v1',
  internal: 'antiphon/internal/v1',
  google: 'google/protobuf',
  health: 'grpc/health/v1',
  reflection: 'grpc/reflection/v1',
};
const shared = new Set(['protobufPackage', 'protobufFileName', 'DeepPartial', 'Exact', 'MessageFns']);
for (const [name, folder] of Object.entries(indexes)) {
  const lines = [];
  for (const file of fs
    .readdirSync(path.join(out, folder))
    .filter((f) => f.endsWith('.ts'))
    .sort()) {
    const text = fs.readFileSync(path.join(out, folder, file), 'utf8');
    const values = new Set();
    const types = new Set();
    for (const [, kind, id] of text.matchAll(/^export (?:declare )?(const|function|interface|type|enum) (\w+)/gm)) {
      if (shared.has(id) || /(FromJSON|ToJSON)$/.test(id)) continue;
      if (kind === 'interface' || kind === 'type') types.add(id);
      else values.add(id);
    }
    // A const and a type of one name are one export.
    const typeOnly = [...types].filter((id) => !values.has(id));
    if (values.size) lines.push(`export { ${[...values].join(', ')} } from './${folder}/${file}';`);
    if (typeOnly.length) lines.push(`export type { ${typeOnly.join(', ')} } from './${folder}/${file}';`);
  }
  fs.writeFileSync(path.join(out, `${name}.ts`), `${lines.join('\n')}\n`);
}
fs.appendFileSync(path.join(out, 'google.ts'), "export { Status } from './google/rpc/status.ts';\n");

const replaced = `${out}-replaced`;
if (fs.existsSync(target)) fs.renameSync(target, replaced);
fs.renameSync(out, target);
fs.rmSync(replaced, { recursive: true, force: true });
