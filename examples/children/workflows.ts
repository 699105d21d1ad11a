// Dividing work over child workflows, each with a history and a life of its own. One child's failure is the parent's to judge.
import { ApplicationFailure, ChildWorkflowFailure, executeChild, startChild } from '@antiphon/sdk/workflow';

export interface Summary {
  readonly words: number;
  readonly failed: readonly string[];
}

export async function countWords(text: string): Promise<number> {
  if (text === '') throw new ApplicationFailure('nothing to count', { type: 'EmptyText' });
  return text.split(/\s+/).length;
}

async function countOrName(text: string, index: number, failed: string[]): Promise<number> {
  try {
    return await executeChild(countWords, { args: [text] });
  } catch (error) {
    if (!(error instanceof ChildWorkflowFailure)) throw error;
    failed.push(`text ${index}: ${error.cause.message}`);
    return 0;
  }
}

export async function countAll(texts: readonly string[]): Promise<Summary> {
  const failed: string[] = [];
  const counts = await Promise.all(texts.map((text, index) => countOrName(text, index, failed)));
  return { words: counts.reduce((sum, count) => sum + count, 0), failed };
}

/** A child that outlives its parent. */
export async function delegate(text: string): Promise<string> {
  const child = await startChild(countWords, { args: [text], parentClose: 'abandon' });
  return child.workflowId;
}
