// The Java runtime that the servers of Maven's jars run on.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { hasCommand } from './downloads.mjs';

export const java = () => (process.env.JAVA_HOME ? path.join(process.env.JAVA_HOME, 'bin/java') : 'java');

function javaVersion() {
  const { status, stderr } = spawnSync(java(), ['-version'], { encoding: 'utf8' });
  if (status !== 0) return undefined;
  return Number(/version "(?:1\.)?(\d+)/.exec(stderr)?.[1]);
}

/** What is missing to run a server of jars on Java `oldest` to `newest`; undefined when nothing is. */
export function missingJava(oldest, newest) {
  const version = javaVersion();
  const wanted = newest === undefined ? `Java ${oldest} or newer` : `Java ${oldest} to ${newest}`;
  if (version === undefined)
    return `needs ${wanted}, and there is no java (Debian: apt-get install openjdk-17-jre-headless)`;
  if (version < oldest || (newest !== undefined && version > newest)) {
    return `needs ${wanted}, and java is ${version}: point JAVA_HOME at another (Debian: apt-get install openjdk-17-jre-headless)`;
  }
  if (!hasCommand('mvn', '-version')) return 'needs Maven to download its jars (Debian: apt-get install maven)';
  return undefined;
}
