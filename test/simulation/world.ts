// One seed's world: regions with their hosts, the network between them, tenants, workers, clients, and the disturbances of its profile. It has
// a loud phase, in which everything is drawn, and a quiet one, in which faults are off and work goes on until nothing changes.
import {
  type ActiveClusterSelectionPolicy,
  ArchivalStatus,
  FailoverDomainRequest,
  RegisterDomainRequest,
} from '@antiphon/proto';
import type { BlobStores } from '#blob';
import { createMemoryBlobStore } from '#blob/memory';
import type { ClusterGroup } from '#core';
import { createSimulatedEnv, type SimulatedEnv } from '#env';
import type { FrontendClient, RemoteFrontendClient } from '#rpc';
import { Journal, type Violation } from '../support/checkers/index.ts';
import { Chance } from './chance.ts';
import { Coverage } from './coverage.ts';
import { type DeletedRuns, watchDeletions } from './deleted-runs.ts';
import { ONE_HOST } from './host-disturbances.ts';
import { Watch } from './journaled-call.ts';
import type { Mutation } from './mutations.ts';
import { createNetworkClient } from './network.ts';
import { drawProfile, NO_RATES, type Profile, type Rates } from './profile.ts';
import { disturbReplication } from './replication-faults.ts';
import { seconds } from './run-story.ts';
import { createSite, type SimHost, type Site } from './site.ts';
import { createStoreFaults } from './store-faults.ts';
import { ARCHIVE_URI, ARCHIVING_TENANT, TENANTS } from './tenants.ts';

const RETENTION_LONG_S = 3 * 86_400;

export const clusterGroup = (currentCluster: string, names: readonly string[]): ClusterGroup => ({
  currentCluster,
  primaryCluster: names[0] ?? '',
  failoverVersionIncrement: 10,
  clusters: Object.fromEntries(
    names.map((name, index) => [
      name,
      { enabled: true, initialFailoverVersion: index + 1, rpcAddress: name === currentCluster ? '' : `${name}:7833` },
    ]),
  ),
});

export class World {
  readonly seed: number;
  readonly chance: Chance;
  readonly profile: Profile;
  readonly env: SimulatedEnv;
  readonly coverage = new Coverage();
  readonly journal = new Journal();
  readonly sites: Site[] = [];
  readonly regionNames: readonly string[];
  readonly workflowIds: readonly string[];
  readonly reported: Violation[] = [];
  readonly deleted: DeletedRuns[] = [];
  readonly story: string[] = [];
  readonly blobStore = createMemoryBlobStore();
  readonly mutation: Mutation;
  #rates: Rates;
  #isQuiet = false;
  #isOver = false;
  /** Cut directions, `from>to`, by how many disturbances cut them. */
  readonly #cuts = new Map<string, number>();
  readonly #lostRegions = new Set<string>();

  constructor(
    seed: number,
    options: {
      regions?: number | undefined;
      isActiveActive?: boolean | undefined;
      hosts?: number | 'drawn' | undefined;
      mutation: Mutation;
    },
  ) {
    this.seed = seed;
    this.mutation = options.mutation;
    this.chance = new Chance(seed);
    this.profile = drawProfile(
      this.chance.fork('profile'),
      options.mutation.regions ?? options.regions,
      options.isActiveActive,
      options.hosts === 'drawn' ? undefined : options.hosts,
    );
    this.env = createSimulatedEnv({ seed });
    this.regionNames = ['a', 'b'].slice(0, this.profile.regionCount);
    this.workflowIds = Array.from({ length: this.profile.workflowCount }, (_, index) => `wf-${index + 1}`);
    this.#rates = NO_RATES;
    for (const name of this.regionNames) this.sites.push(this.#createSite(name));
  }

  get hasSkew(): boolean {
    return this.profile.clockSkewMs > 0 || this.profile.disturbances.some(({ kind }) => kind === 'clock-jump');
  }

  get rates(): Rates {
    return this.#rates;
  }

  isQuiet = (): boolean => this.#isQuiet;
  isOver = (): boolean => this.#isOver;
  end(): void {
    this.#isOver = true;
  }

  sleep = (ms: number): Promise<void> => new Promise((resolve) => void this.env.scheduler.after(ms, resolve));

  tell(line: string): void {
    const at = (this.env.clock.monotonicMs() / 1000).toFixed(3).padStart(9);
    this.story.push(`${at} s  ${line}`);
  }

  report(checker: string, workflowId: string, story: string): void {
    this.reported.push({ checker, workflowId, story });
  }

  site(name: string): Site {
    const site = this.sites.find((candidate) => candidate.name === name);
    if (site === undefined) throw new Error(`no region ${name}`);
    return site;
  }

  isSilent(chance: Chance): boolean {
    if (!chance.is(this.#rates.workerSilent)) return false;
    this.coverage.fault('worker-silent');
    return true;
  }

  createWatch(): Watch {
    return new Watch({
      journal: this.journal,
      coverage: this.coverage,
      sleep: this.sleep,
      onDefect: (error) =>
        this.report('no-defect', '', error instanceof Error ? (error.stack ?? error.message) : String(error)),
    });
  }

  /** A client of a region's frontend, over the faulty network. */
  clientOf(regionName: string, chance: Chance, watch?: Watch): FrontendClient {
    const site = this.site(regionName);
    return createNetworkClient({
      scheduler: this.env.scheduler,
      nowMs: () => this.env.clock.nowMs(),
      chance,
      coverage: this.coverage,
      target: () => site.pick(),
      onDuplicated: watch?.noteDuplicate,
      faults: {
        lost: () => chance.is(this.#rates.messageLost),
        answerLost: () => chance.is(this.#rates.answerLost),
        delayed: () => chance.is(this.#rates.messageDelayed),
        duplicated: () => chance.is(this.#rates.messageDuplicated),
        lateDuplicate: () => chance.is(this.#rates.messageLateDuplicate),
        isCut: () => false,
        isAnswerCut: () => false,
        kinds: { lost: 'message-lost', answerLost: 'answer-lost', delayed: 'message-delayed' },
      },
    });
  }

  /** `nowMs`: of the host that calls, whose deadlines are by its own clock. */
  #remoteClient(from: string, to: string, chance: Chance, nowMs: () => number): RemoteFrontendClient {
    const client = createNetworkClient({
      scheduler: this.env.scheduler,
      nowMs,
      chance,
      coverage: this.coverage,
      target: () => this.site(to).pick(),
      answer: disturbReplication(chance, this.coverage, () => this.#rates),
      faults: {
        lost: () => chance.is(this.#rates.regionMessageLost),
        answerLost: () => chance.is(this.#rates.regionAnswerLost),
        delayed: () => chance.is(this.#rates.regionMessageDelayed),
        duplicated: () => false,
        lateDuplicate: () => false,
        isCut: () => this.isCut(from, to),
        isAnswerCut: () => this.isCut(to, from),
        kinds: {
          lost: 'region-message-lost',
          answerLost: 'region-answer-lost',
          delayed: 'region-message-delayed',
        },
      },
    });
    return { ...client, address: to, waitForReady: async () => {}, close: () => {} };
  }

  isCut = (from: string, to: string): boolean => (this.#cuts.get(`${from}>${to}`) ?? 0) > 0;

  cut(from: string, to: string, change: 1 | -1): void {
    const key = `${from}>${to}`;
    this.#cuts.set(key, (this.#cuts.get(key) ?? 0) + change);
  }

  #createSite(name: string): Site {
    const links = this.regionNames
      .filter((other) => other !== name)
      .map((other) => [other, this.chance.fork(`link ${name}>${other}`)] as const);
    const faults = createStoreFaults({
      env: this.env,
      chance: this.chance.fork(`store ${name}`),
      coverage: this.coverage,
      rates: () => this.#rates,
    });
    const opened: BlobStores = { open: () => this.blobStore };
    const blobs = this.mutation.blobs?.(opened) ?? opened;
    const deleted = watchDeletions(name);
    this.deleted.push(deleted);
    const site = createSite(name, {
      env: this.env,
      chance: this.chance.fork(`site ${name}`),
      profile: this.profile,
      clusters: clusterGroup(name, this.regionNames),
      faults,
      mutation: this.mutation,
      blobs: (isAlive) => faults.blobs(blobs, isAlive),
      remoteClusters: (nowMs) =>
        new Map(links.map(([other, chance]) => [other, this.#remoteClient(name, other, chance, nowMs)])),
      hostLink: {
        scheduler: this.env.scheduler,
        chance: this.chance.fork(`hosts ${name}`),
        coverage: this.coverage,
        rates: () => (this.#rates === NO_RATES ? ONE_HOST : this.profile.hosts),
        isCut: this.isCut,
      },
      observe: (store) => deleted.observe(store, site.image, { blobs: opened, cluster: name }),
    });
    return site;
  }

  /** Boots the regions and makes the tenants, without faults. */
  async boot(): Promise<void> {
    for (const site of this.sites) {
      for (let opened = 0; opened < this.profile.hosts.count; opened++) await this.openHost(site);
    }
    const isGlobal = this.regionNames.length > 1;
    for (const [index, name] of TENANTS.entries()) {
      const isArchiving = name === ARCHIVING_TENANT;
      const archival = isArchiving ? ArchivalStatus.ARCHIVAL_STATUS_ENABLED : ArchivalStatus.ARCHIVAL_STATUS_DISABLED;
      const uri = isArchiving ? ARCHIVE_URI : '';
      const request = RegisterDomainRequest.fromPartial({
        name,
        isGlobalDomain: isGlobal,
        clusters: this.regionNames.map((clusterName) => ({ clusterName })),
        activeClusterName: this.regionNames[index % this.regionNames.length]!,
        activeClusters: this.profile.isActiveActive ? attributesIn(this.regionNames) : undefined,
        workflowExecutionRetentionPeriod: seconds(isArchiving ? this.profile.retentionMs / 1000 : RETENTION_LONG_S),
        historyArchivalStatus: archival,
        historyArchivalUri: uri,
        visibilityArchivalStatus: archival,
        visibilityArchivalUri: uri,
      });
      await this.clientOf(this.regionNames[0]!, this.chance.fork('boot')).domain.registerDomain(request);
    }
    // Every region knows every tenant before work begins.
    for (let waited = 0; waited < 60 && !this.#knowTenants(); waited++) await this.sleep(500);
    if (!this.#knowTenants()) throw new Error('the tenants were not replicated');
    await this.sleep(2_000);
  }

  #knowTenants = (): boolean => this.sites.every((site) => site.image.domains.size === TENANTS.length);

  /** Faults begin. */
  beLoud(): void {
    this.#rates = this.profile.rates;
  }

  async beQuiet(): Promise<void> {
    this.#isQuiet = true;
    this.#rates = NO_RATES;
    this.#cuts.clear();
    this.#lostRegions.clear();
    for (const site of this.sites) {
      for (const host of site.hosts) {
        host.isForgotten = false;
        host.env.thaw();
      }
      // Alone, two are two owners; with others, all go on.
      for (const host of site.hosts.slice(this.profile.hosts.count)) await site.stop(host);
      if (site.hosts.length === 0) await this.openHost(site);
    }
    this.tell('quiet: faults are off');
  }

  async openHost(site: Site): Promise<SimHost | undefined> {
    const host = await site.open();
    if (host === undefined) return undefined;
    if (this.profile.clockSkewMs > 0) this.coverage.fault('clock-skew');
    this.tell(`${host.name} is up`);
    return host;
  }

  isLost = (name: string): boolean => this.#lostRegions.has(name);
  setLost(name: string, isLost: boolean): void {
    if (isLost) this.#lostRegions.add(name);
    else this.#lostRegions.delete(name);
  }

  /** What a start of this workflow asks for: as a rule the attribute, or none, that its workflow id has; now and then another. */
  policyOf(workflowId: string, chance: Chance): ActiveClusterSelectionPolicy | undefined {
    if (!this.profile.isActiveActive) return undefined;
    const own = this.workflowIds.indexOf(workflowId) % (ATTRIBUTES.length + 1);
    const name = ATTRIBUTES[chance.is(0.15) ? chance.whole(0, ATTRIBUTES.length) : own];
    return name === undefined ? undefined : { clusterAttribute: { scope: SCOPE, name } };
  }

  async failover(domain: string, target: string, timeoutSeconds?: number): Promise<void> {
    const client = this.clientOf(target, this.chance.fork(`failover ${this.env.clock.nowMs()}`));
    const request = FailoverDomainRequest.fromPartial({
      domainName: domain,
      domainActiveClusterName: target,
      ...(timeoutSeconds === undefined ? {} : { failoverTimeout: seconds(timeoutSeconds) }),
    });
    const watch = this.createWatch();
    await watch.attempt('failover', () => client.domain.failoverDomain(request));
    this.tell(`${domain} fails over to ${target}`);
  }

  /** Moves one attribute of an active-active domain, or the runs that have none. */
  async failoverAttribute(domain: string, target: string): Promise<void> {
    const chance = this.chance.fork(`failover-attribute ${this.env.clock.nowMs()}`);
    const name = ATTRIBUTES[chance.whole(0, ATTRIBUTES.length)];
    if (name === undefined) return this.failover(domain, target);
    const client = this.clientOf(target, chance);
    const activeClusters = placed({ [name]: target });
    const request = FailoverDomainRequest.fromPartial({ domainName: domain, activeClusters });
    await this.createWatch().attempt('failover', () => client.domain.failoverDomain(request));
    this.tell(`${name} of ${domain} fails over to ${target}`);
  }
}

const SCOPE = 'region';
const ATTRIBUTES = ['us', 'eu'] as const;

const placed = (clusters: Readonly<Record<string, string>>) => ({
  activeClustersByClusterAttribute: {
    [SCOPE]: {
      clusterAttributes: Object.fromEntries(
        Object.entries(clusters).map(([name, activeClusterName]) => [name, { activeClusterName }]),
      ),
    },
  },
});

/** One attribute in each region. */
const attributesIn = (regionNames: readonly string[]) =>
  placed(
    Object.fromEntries(ATTRIBUTES.map((name, index) => [name, regionNames[index % regionNames.length] as string])),
  );
