// A process that has a part of a core at most, as if it were on a smaller machine: so several hosts on one machine can each be as busy as they
// would be on machines of their own. Linux's control groups, which only root may make.
import fs from 'node:fs';
import path from 'node:path';
import { UsageError } from './usage-error.ts';

const V1_ROOT = '/sys/fs/cgroup/cpu';
const V2_ROOT = '/sys/fs/cgroup';
// Short, so that what a held process keeps waiting is little beside a call.
const PERIOD_US = 10_000;
// The kernel's least quota is 1 ms.
const SHARE_MIN = 0.1;

/** `share`: of one core. Returns how to remove the limit once the process is gone. */
export function limitCpu(pid: number, share: number): () => void {
  if (!(share >= SHARE_MIN)) throw new UsageError(`--cpu-share: at least ${SHARE_MIN} of a core`);
  const isV2 = fs.existsSync(path.join(V2_ROOT, 'cgroup.controllers'));
  const folder = path.join(isV2 ? V2_ROOT : V1_ROOT, `antiphon-bench-${pid}`);
  const quotaUs = Math.round(share * PERIOD_US);
  const settings: Readonly<Record<string, string>> = isV2
    ? { 'cpu.max': `${quotaUs} ${PERIOD_US}` }
    : { 'cpu.cfs_period_us': `${PERIOD_US}`, 'cpu.cfs_quota_us': `${quotaUs}` };
  try {
    if (isV2) fs.writeFileSync(path.join(V2_ROOT, 'cgroup.subtree_control'), '+cpu');
    fs.mkdirSync(folder);
    for (const [name, value] of Object.entries(settings)) fs.writeFileSync(path.join(folder, name), value);
    fs.writeFileSync(path.join(folder, 'cgroup.procs'), `${pid}`);
  } catch (error) {
    throw new UsageError(`--cpu-share needs root and Linux's control groups: ${(error as Error).message}`);
  }
  return () => fs.rmdirSync(folder);
}
