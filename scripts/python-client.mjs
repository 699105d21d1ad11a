// Prepares the plain Python client of test/compat/python in .cache/compat-python: a virtual environment with gRPC, and stubs of our .proto files.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { LIMIT_MS } from './services/downloads.mjs';

const root = path.join(import.meta.dirname, '..');
const folder = path.join(root, '.cache/compat-python');
const requirements = path.join(root, 'test/compat/python/requirements.txt');

function run(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'], timeout: LIMIT_MS });
  if (status !== 0) throw new Error(`${command} ${args.slice(0, 4).join(' ')} … failed`, { cause: error });
}

/** The interpreter, and the folder of the stubs; undefined without a Python that makes virtual environments. */
export function preparePython() {
  if (spawnSync('python3', ['-c', 'import venv, ensurepip']).status !== 0) return undefined;
  const python = path.join(folder, 'venv/bin/python');
  const installed = path.join(folder, 'installed.txt');
  const wanted = fs.readFileSync(requirements, 'utf8');
  if (!fs.existsSync(installed) || fs.readFileSync(installed, 'utf8') !== wanted) {
    fs.rmSync(folder, { recursive: true, force: true });
    run('python3', ['-m', 'venv', path.join(folder, 'venv')]);
    run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements]);
    fs.writeFileSync(installed, wanted);
  }
  const stubs = path.join(folder, 'stubs');
  const source = path.join(root, 'proto/uber/cadence/api/v1');
  const files = fs.readdirSync(source).filter((name) => name.endsWith('.proto'));
  fs.rmSync(stubs, { recursive: true, force: true });
  fs.mkdirSync(stubs, { recursive: true });
  const options = ['-I', path.join(root, 'proto'), `--python_out=${stubs}`, `--grpc_python_out=${stubs}`];
  run(python, ['-m', 'grpc_tools.protoc', ...options, ...files.map((name) => path.join(source, name))]);
  return { python, stubs };
}
