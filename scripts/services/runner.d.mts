// The types of runner.mjs, for the tests.
export interface RunningService {
  readonly name: string;
  readonly pid: number;
  readonly ports: Readonly<Record<string, number>>;
  /** By which its clients find it, as `npm run services -- env` prints them. */
  readonly variables: Readonly<Record<string, string>>;
  /** Its log and, mostly, its data. */
  readonly folder: string;
}

export interface ServiceOptions {
  readonly instance?: string;
  readonly progress?: (line: string) => void;
}

export declare const DEFAULT_INSTANCE: string;
export declare function missing(name: string): string | undefined;
export declare function start(name: string, options?: ServiceOptions & { readonly userPid?: number }): Promise<RunningService>;
export declare function stop(name: string, options?: ServiceOptions & { readonly remove?: boolean }): Promise<void>;
export declare function release(name: string, userPid: number, options?: ServiceOptions): Promise<void>;
