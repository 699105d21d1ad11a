export interface ReferenceServer {
  readonly address: string;
  readonly folder: string;
  readonly pid: number;
  stop(): Promise<void>;
}

export function canBuild(): boolean;
export function startReference(options?: { detached?: boolean }): Promise<ReferenceServer>;
