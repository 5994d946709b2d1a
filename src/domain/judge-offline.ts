import type { ConversationParts } from './conversation.ts';
import { fold } from './fold.ts';
import type { JudgeDefinition, JudgeOutput } from './judge.ts';

const MIN_WORD_LENGTH = 3;
const SAYS_SO = 'This is the offline judge of Windsock; no model was asked.';

/**
 * A deterministic stand-in for a judging model: no network, no randomness, the instructions are not understood.
 * Words are runs of letters and digits, three at least, in any case, each counted once.
 * Classification: the option whose value and description share the most words with the last turn; the first on a tie.
 * Regression: the share of the words of the user's last message that the assistant's last message takes up, laid over
 * the range from min to max.
 */
export function judgeOffline(
  { output }: JudgeDefinition,
  { lastTurn, user, assistant }: ConversationParts,
): JudgeOutput {
  if (output.type === 'CLASSIFICATION') {
    const said = wordsOf(lastTurn);
    const counts = output.options.map(({ value, description }) => ({
      value,
      shared: sharedBy(wordsOf(`${value} ${description}`), said),
    }));
    const best = counts.reduce((best, one) => (one.shared > best.shared ? one : best));
    return {
      analysis: `${SAYS_SO} Of all options, "${best.value}" shares the most words with the last turn: ${best.shared}.`,
      answer: best.value,
    };
  }
  const asked = wordsOf(user);
  const shared = sharedBy(asked, wordsOf(assistant));
  const { min, max } = output;
  const scaled = min + (max - min) * (asked.size === 0 ? 0 : shared / asked.size);
  return {
    analysis: `${SAYS_SO} Of ${asked.size} words of the user's last message the assistant's last one takes up ${shared}.`,
    // Rounded for reading; rounding must not leave the bounds.
    answer: Math.min(max, Math.max(min, Number(scaled.toFixed(4)))),
  };
}

function wordsOf(text: string): Set<string> {
  const words = fold(text).match(/[\p{L}\p{N}]+/gu) ?? [];
  return new Set(words.filter((word) => word.length >= MIN_WORD_LENGTH));
}

function sharedBy(some: ReadonlySet<string>, others: ReadonlySet<string>): number {
  return [...some].filter((word) => others.has(word)).length;
}
