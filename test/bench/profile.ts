// What a V8 .cpuprofile says: where the time went, by function.
import fs from 'node:fs';
import path from 'node:path';

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
}

const ENTRIES_MAX = 30;

/** Prints the top functions of each profile in the folder, by self time. */
export function printProfiles(folder: string): void {
  for (const file of fs.readdirSync(folder)) {
    console.log(`\n${file}:`);
    printTopFunctions(path.join(folder, file));
  }
}

function printTopFunctions(file: string): void {
  const profile = JSON.parse(fs.readFileSync(file, 'utf8')) as CpuProfile;
  const byId = new Map(profile.nodes.map((node) => [node.id, node.callFrame]));
  const self = new Map<string, number>();
  for (const sample of profile.samples) {
    const frame = byId.get(sample);
    const name = `${frame?.functionName || '(anonymous)'} ${frame?.url.split('/').slice(-2).join('/') ?? ''}:${(frame?.lineNumber ?? 0) + 1}`;
    self.set(name, (self.get(name) ?? 0) + 1);
  }
  const sorted = [...self].sort((a, b) => b[1] - a[1]).slice(0, ENTRIES_MAX);
  for (const [name, samples] of sorted)
    console.log(`  ${((samples / profile.samples.length) * 100).toFixed(1).padStart(5)}%  ${name}`);
}
