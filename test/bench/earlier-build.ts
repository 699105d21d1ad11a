// A build of another commit, beside this one: cloned into .cache/bench/<commit>, with the installed packages where they are those of its lock
// file, else with its own. Made once per commit.
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

interface LockFile {
  readonly packages: Readonly<Record<string, { readonly version?: string; readonly link?: boolean }>>;
}

/** The commit that a branch, tag or abbreviation means; undefined: there is none. */
export function findCommit(root: string, ref: string): string | undefined {
  const { status, stdout } = spawnSync('git', ['rev-parse', '--verify', '--quiet', `${ref}^{commit}`], {
    cwd: root,
    encoding: 'utf8',
  });
  return status === 0 ? stdout.trim() : undefined;
}

/** `bin/antiphon.mjs` of the build. */
export function buildEarlier(root: string, commit: string): string {
  const folder = path.join(root, '.cache/bench', commit);
  const entry = path.join(folder, 'bin/antiphon.mjs');
  const mark = path.join(folder, '.built');
  if (fs.existsSync(mark)) return entry;
  console.log(`building ${commit.slice(0, 12)} …`);
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(path.dirname(folder), { recursive: true });
  git(root, ['clone', '--quiet', '--shared', '--no-checkout', root, folder]);
  git(folder, ['checkout', '--quiet', commit]);
  if (areInstalled(root, folder)) linkPackages(root, folder);
  else run('npm', ['ci', '--no-audit', '--no-fund'], folder);
  run('npm', ['run', '--silent', 'build'], folder);
  fs.writeFileSync(mark, '');
  return entry;
}

const git = (folder: string, args: readonly string[]): void => run('git', args, folder);

function run(command: string, args: readonly string[], cwd: string): void {
  execFileSync(command, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
}

const lockOf = (folder: string): LockFile =>
  JSON.parse(fs.readFileSync(path.join(folder, 'package-lock.json'), 'utf8')) as LockFile;

/** Packages that the commit did not have do no harm. */
function areInstalled(root: string, folder: string): boolean {
  const own = lockOf(root).packages;
  return Object.entries(lockOf(folder).packages).every(
    ([name, { version, link }]) => name === '' || link === true || own[name]?.version === version,
  );
}

/** Our own packages are links to the sources beside them, so each build has its own. */
function linkPackages(root: string, folder: string): void {
  const from = path.join(root, 'node_modules');
  const to = path.join(folder, 'node_modules');
  fs.mkdirSync(to);
  for (const name of fs.readdirSync(from)) {
    if (name === '@antiphon')
      fs.cpSync(path.join(from, name), path.join(to, name), { recursive: true, verbatimSymlinks: true });
    else fs.symlinkSync(path.join(from, name), path.join(to, name));
  }
}
