// Activities are ordinary functions: they may do anything, and may run more than once.
export async function greet(name: string): Promise<string> {
  return `Hello, ${name}!`;
}
