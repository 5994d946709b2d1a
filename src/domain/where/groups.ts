import { MAX_FILTER_DEPTH } from '../filter.ts';
import { WhereMistake } from './mistake.ts';
import type { FilterTreeJson } from './tree.ts';

/** A part of the tree: where it starts in the text, and how many levels it has. */
export interface Part {
  tree: FilterTreeJson;
  position: number;
  levels: number;
}

/** What stands between two parentheses, or the whole text: parts joined by AND, joined by OR. */
export class Alternatives {
  /** The position of the opening parenthesis; null for the whole text. */
  readonly open: number | null;
  readonly #alternatives: Part[] = [];
  #terms: Part[] = [];

  constructor(open: number | null) {
    this.open = open;
  }

  add(part: Part): void {
    this.#terms.push(part);
  }

  /** What is added from here on is another alternative. */
  or(): void {
    this.#alternatives.push(joined('AND', this.#terms, null));
    this.#terms = [];
  }

  /** The whole. Parentheses around a single part add no level. */
  close(): Part {
    if (this.#alternatives.length === 0) return joined('AND', this.#terms, this.open);
    this.or();
    return joined('OR', this.#alternatives, this.open);
  }
}

/**
 * @param parts at least one; one alone stays what it is
 * @param open where the group starts, unless that is at its first part
 */
function joined(key: 'AND' | 'OR', parts: readonly Part[], open: number | null): Part {
  const [first] = parts;
  if (first === undefined) throw new Error('A group has parts.');
  if (parts.length === 1) return first;
  const position = open ?? first.position;
  const levels = 1 + parts.reduce((most, part) => Math.max(most, part.levels), 0);
  if (levels > MAX_FILTER_DEPTH) {
    throw new WhereMistake(
      position,
      `From here the filter is nested more than ${MAX_FILTER_DEPTH} levels deep; take parentheses away.`,
    );
  }
  const trees = parts.map(({ tree }) => tree);
  return { tree: key === 'AND' ? { AND: trees } : { OR: trees }, position, levels };
}
