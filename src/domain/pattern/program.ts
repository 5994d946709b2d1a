import type { Assertion } from './assertions.ts';
import { type Node, PatternSyntaxError, type Syntax } from './parse.ts';

/** An instruction of a nondeterministic automaton (Thompson's construction); `next` and `other` are places in the code. */
export type Instruction =
  | { kind: 'one'; set: number; next: number }
  | { kind: 'assertion'; holds: Assertion; next: number }
  | { kind: 'split'; next: number; other: number }
  | { kind: 'match' };

export interface Program extends Omit<Syntax, 'root'> {
  code: readonly Instruction[];
  start: number;
}

const MAX_INSTRUCTIONS = 10_000;

/** Expands what was parsed into a program, or throws a {@link PatternSyntaxError} where that grows too large. */
export function programOf({ root, ...sets }: Syntax): Program {
  const code: Instruction[] = [];
  /** Where the innermost repetition stands; nothing else can make a program too large. */
  let position = 0;

  const add = (instruction: Instruction): number => {
    if (code.length === MAX_INSTRUCTIONS) {
      throw new PatternSyntaxError(
        position,
        'the repetitions make the pattern too large: lower the counts',
      );
    }
    return code.push(instruction) - 1;
  };

  /** Adds the code of a node that goes on to `next`; returns where it begins. */
  const place = (node: Node, next: number): number => {
    switch (node.kind) {
      case 'one':
        return add({ kind: 'one', set: node.set, next });
      case 'assertion':
        return add({ kind: 'assertion', holds: node.holds, next });
      case 'sequence':
        return node.parts.reduceRight((next, part) => place(part, next), next);
      case 'choice':
        return node.options
          .map((option) => place(option, next))
          .reduceRight((other, next) => add({ kind: 'split', next, other }));
      case 'repeat':
        position = node.position;
        return placeRepeat(node, next);
    }
  };

  const placeRepeat = (
    { body, min, max }: Extract<Node, { kind: 'repeat' }>,
    next: number,
  ): number => {
    let start = next;
    let required = min;
    if (max === Infinity) {
      const loop = { kind: 'split' as const, next, other: next };
      const at = add(loop);
      loop.next = place(body, at);
      start = min === 0 ? at : loop.next;
      required = Math.max(min - 1, 0);
    } else {
      for (let count = min; count < max; count += 1) {
        start = add({ kind: 'split', next: place(body, start), other: next });
      }
    }
    for (let count = 0; count < required; count += 1) {
      const size = code.length;
      start = place(body, start);
      // What is empty once stays so; `((){1000}){1000}` would take its time to add nothing.
      if (code.length === size) break;
    }
    return start;
  };

  const match = add({ kind: 'match' });
  return { ...sets, code, start: place(root, match) };
}
