import { runSeed } from './run-seed.ts';
import type { World } from './world.ts';

let world: World | undefined;
const [seed, hosts] = [Number(process.argv[2]), Number(process.argv[3])];
const timer = setInterval(() => {}, 1000);
const dump = async () => {
  for (const site of world!.sites)
    for (const host of site.hosts) {
      const view = host.region
        .cluster!.placement()
        .hosts()
        .map((h) => h.id + (h.isLeaving ? '(l)' : ''));
      console.log(
        host.name,
        'view',
        view.join(','),
        'shards',
        host.region.history
          .shardStatus()
          .map((s) => `${s.shardId}${s.isOpen ? '' : '!'}:${s.unfinishedTransferTasks}/${s.heldTasks}`)
          .join(' '),
      );
      const st = await host.region.worker.replicationStatus();
      console.log(
        '   cons',
        st.consumers
          .map(
            (c) =>
              `${c.topic}/${c.partition} f${c.fetchedOffset} a${c.appliedOffset} s${c.sourceLastOffset} ${c.isConnected}`,
          )
          .join('; '),
      );
      const jobs = ['a', 'b'].map((c) => host.region.cluster!.placement().jobOwner(`replication-from/${c}`));
      console.log('   jobs', jobs.join(','), 'current', (host.region.cluster as any).shardPlacement.ownerOf(0));
    }
};
runSeed(seed, {
  hosts,
  onWorld: (w) => {
    world = w;
    const host = w.env.host.bind(w.env);
    let n = 0;
    (w.env as any).host = (o: any) => {
      const id = ++n;
      const log = (l: string) => (m: string, f: any) => {
        if (process.argv[4] && w.env.clock.monotonicMs() > Number(process.argv[4]))
          console.log(
            (w.env.clock.monotonicMs() / 1000).toFixed(2),
            id,
            l,
            m,
            String(f?.error ?? ''),
            f?.['wf-id'] ?? '',
            f?.['shard-id'] ?? '',
          );
      };
      const logger: any = { debug: log('D'), info: log('I'), warn: log('W'), error: log('E'), child: () => logger };
      return host({ ...o, logger });
    };
    const report = w.report.bind(w);
    w.report = (...a: any[]) => {
      if (a[0] === 'no-lost-work' && String(a[2]).includes('come to rest')) void dump();
      (report as any)(...a);
    };
  },
}).then((r) => {
  console.log(r.violations.length, 'violations');
  clearInterval(timer);
  process.exit(0);
});
