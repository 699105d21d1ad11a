export interface ReferenceServer {
  readonly address: string;
  readonly folder: string;
  readonly pid: number;
  stop(): Promise<void>;
}

export interface ReferenceOptions {
  readonly detached?: boolean;
  readonly cassandra?: {
    readonly host: string;
    readonly port: number;
    readonly keyspace: string;
    readonly visibilityKeyspace: string;
  };
  readonly dynamicConfig?: string;
}

export function canBuild(): boolean;
export function startReference(options?: ReferenceOptions): Promise<ReferenceServer>;
