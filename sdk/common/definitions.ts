// The typed names that client, workflow and worker share: workflow functions, signals, queries. They carry no behaviour, so
// a client can import them from the workflow's file without running workflow code.

/** A workflow is an async function; arguments and result must survive JSON. */
// biome-ignore lint/suspicious/noExplicitAny: a constraint over all argument lists; `never[]` would lose inference in Parameters<>.
export type WorkflowFunction = (...args: any[]) => Promise<unknown>;
export type WorkflowResult<F extends WorkflowFunction> = Awaited<ReturnType<F>>;

/** The arguments in options: demanded when the function demands some. */
export type ArgumentsOption<Args extends readonly unknown[]> = [] extends Args
  ? { readonly args?: Readonly<Args> }
  : { readonly args: Readonly<Args> };

export interface SignalDefinition<Args extends readonly unknown[] = readonly unknown[]> {
  readonly kind: 'signal';
  readonly name: string;
  /** Never set; carries the type. */
  readonly args?: Args;
}

export interface QueryDefinition<Result = unknown, Args extends readonly unknown[] = readonly unknown[]> {
  readonly kind: 'query';
  readonly name: string;
  /** Never set; carry the types. */
  readonly args?: Args;
  readonly result?: Result;
}

export function defineSignal<Args extends readonly unknown[] = []>(name: string): SignalDefinition<Args> {
  return { kind: 'signal', name };
}

export function defineQuery<Result, Args extends readonly unknown[] = []>(name: string): QueryDefinition<Result, Args> {
  return { kind: 'query', name };
}

const WORKFLOW_NAME = Symbol.for('antiphon.workflowName');

/** Gives a workflow a type name that need not be a JavaScript identifier (`orders.Checkout`, `Order::run`). */
export function defineWorkflow<F extends WorkflowFunction>(name: string, run: F): F {
  Object.defineProperty(run, WORKFLOW_NAME, { value: name });
  return run;
}

/** The name that defineWorkflow gave, if it did. */
export function findDefinedName(workflow: unknown): string | undefined {
  return (workflow as { [WORKFLOW_NAME]?: string })[WORKFLOW_NAME];
}

/** The workflow type a function is started under. */
export function workflowTypeOf(workflow: string | WorkflowFunction): string {
  if (typeof workflow === 'string') return workflow;
  const name = findDefinedName(workflow) ?? workflow.name;
  if (!name) throw new TypeError('the workflow function has no name: export a named function or use defineWorkflow');
  return name;
}

/** Names on Go workers have a package path; replay compares the last part only, so that a package can be renamed. */
export function lastPartOfName(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}
