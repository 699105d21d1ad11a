// What servers are made of, fetched once per machine by the ordinary client of its registry and kept in a folder outside the checkout, so that a
// fresh clone finds it there. A download appears whole or not at all: it is made in a folder beside and renamed.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { withLock } from './lock.mjs';

const MAVEN_PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1';
// By itself Maven waits half an hour for the next byte of a download. Two names: the first is of Maven up to 3.8, the second of those after it.
const MAVEN_READ_TIMEOUT_MS = 60_000;
export const MAVEN_OPTIONS = [
  '-B',
  '-ntp',
  '-q',
  `-Dmaven.wagon.rto=${MAVEN_READ_TIMEOUT_MS}`,
  `-Daether.connector.requestTimeout=${MAVEN_READ_TIMEOUT_MS}`,
];
const MAVEN_TRIES = 3;

/** ANTIPHON_SERVICES_CACHE, or a folder in the user's cache. */
export const downloadsFolder = () =>
  path.resolve(
    process.env.ANTIPHON_SERVICES_CACHE ??
      path.join(process.env.XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache'), 'antiphon/services'),
  );

export const hasCommand = (command, ...args) => spawnSync(command, args, { stdio: 'ignore' }).status === 0;

/** A command whose download has come to a stand is ended after it, and fails. */
export const LIMIT_MS = 15 * 60_000;

/** Runs a command to its end; what it says is shown only when it fails. */
export function runQuietly(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { timeout: LIMIT_MS, ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output = (output + chunk).slice(-20_000);
      });
    }
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${command} ${args.join(' ')} failed with ${code ?? signal}:\n${output}`));
    });
  });
}

/** Runs a goal of Maven that fetches. What one try has fetched the next need not. */
export async function fetchWithMaven(args, progress) {
  for (let tries = 1; ; tries++) {
    try {
      return await runQuietly('mvn', [...MAVEN_OPTIONS, ...args]);
    } catch (error) {
      if (tries === MAVEN_TRIES) throw error;
      progress(`Maven, try ${tries} of ${MAVEN_TRIES}: ${error.message}`);
    }
  }
}

/** A folder of the cache by name, filled by `fetch(folder)` when it isn't there. */
export async function cached(name, progress, what, fetch) {
  const folder = path.join(downloadsFolder(), name);
  if (fs.existsSync(folder)) return folder;
  await withLock(`${folder}.lock`, async () => {
    if (fs.existsSync(folder)) return;
    progress(`downloading ${what} …`);
    const started = performance.now();
    const part = `${folder}.part`;
    fs.rmSync(part, { recursive: true, force: true });
    fs.mkdirSync(part, { recursive: true });
    await fetch(part);
    fs.renameSync(part, folder);
    progress(`downloaded in ${((performance.now() - started) / 1000).toFixed(0)} s`);
  });
  return folder;
}

const pomOf = (artifacts) => `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>dev.antiphon</groupId>
  <artifactId>services</artifactId>
  <version>0</version>
  <packaging>pom</packaging>
  <dependencies>${artifacts
    .map((artifact) => artifact.split(':'))
    .map(
      ([group, id, version]) => `
    <dependency><groupId>${group}</groupId><artifactId>${id}</artifactId><version>${version}</version></dependency>`,
    )
    .join('')}
  </dependencies>
</project>
`;

/** The jars of these artifacts and of what they need. Returns the folder that holds them. */
export function jars(name, artifacts, progress) {
  return cached(name, progress, `${artifacts[0]} with Maven`, async (folder) => {
    const pom = path.join(folder, 'pom.xml');
    fs.writeFileSync(pom, pomOf(artifacts));
    const goal = `${MAVEN_PLUGIN}:copy-dependencies`;
    await fetchWithMaven(['-f', pom, goal, `-DoutputDirectory=${folder}`, '-DincludeScope=runtime'], progress);
  });
}

/** A program of a Go module. Returns its path. */
export async function goProgram(module, version, progress) {
  const program = path.basename(module);
  const folder = await cached(`${program}-${version}`, progress, `and building ${module} with Go`, async (into) => {
    await runQuietly('go', ['install', `${module}@v${version}`], { env: { ...process.env, GOBIN: into, GOFLAGS: '' } });
  });
  return path.join(folder, program);
}
