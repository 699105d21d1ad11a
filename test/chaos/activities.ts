// A step fails now and then, so that retries are under fire too.

export async function step(index: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 80));
  if (Math.random() < 0.1) throw new Error(`step ${index} fails by design`);
  return index;
}
