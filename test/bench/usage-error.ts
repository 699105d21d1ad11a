// What the caller of a bench can put right: its message is printed without a stack.
export class UsageError extends Error {}
