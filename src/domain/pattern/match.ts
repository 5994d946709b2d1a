import { type Side, sideOf } from './assertions.ts';
import type { Program } from './program.ts';

/** How much matching may still be done; one budget serves many texts. A step is about one transition. */
export interface Budget {
  stepsLeft: number;
}

/** Matching took more steps than the budget had. */
export class PatternBudgetError extends Error {
  constructor() {
    super('matching takes too many steps');
    this.name = 'PatternBudgetError';
  }
}

/** A code point as the program sees it: all that lie in the same sets are one. */
interface Letter {
  id: number;
  side: Side;
  /** By number of set. */
  isIn: readonly boolean[];
}

/** A state of the deterministic automaton, made as texts lead to it. */
interface State {
  /** Where the program may be; what follows without a code point is found when the next letter is known. */
  places: Uint16Array;
  before: Side;
  /** By id of letter. */
  next: (State | undefined)[];
}

const MATCHED: State = { places: new Uint16Array(), before: 'edge', next: [] };

const MAX_KNOWN_CODE_POINTS = 4096;
/** The states are thrown away when they hold so many places and transitions; each counts some for itself. */
const MAX_HELD = 100_000;
const HELD_BY_STATE = 200;

/**
 * A compiled pattern. It simulates all the ways through its program at once (Pike), and keeps what it learns as the
 * states of a deterministic automaton. Assertions are settled in the states: each knows what came before it.
 */
export class Pattern {
  readonly #program: Program;
  readonly #hasAssertions: boolean;
  readonly #end: Letter;
  readonly #letters = new Map<string, Letter>();
  readonly #ascii: (Letter | undefined)[] = [];
  readonly #beyondAscii = new Map<number, Letter>();
  readonly #states = new Map<string, State>();
  #start: State | null = null;
  #held = 0;
  readonly #here: PlaceSet;
  readonly #there: PlaceSet;

  constructor(program: Program) {
    this.#program = program;
    this.#hasAssertions = program.code.some(({ kind }) => kind === 'assertion');
    this.#here = new PlaceSet(program.code.length);
    this.#there = new PlaceSet(program.code.length);
    this.#end = { id: 0, side: 'edge', isIn: [] };
  }

  /** Whether the pattern is found anywhere in the text. Throws a {@link PatternBudgetError}. */
  test(text: string, budget: Budget): boolean {
    this.#start ??= this.#stateAt(Uint16Array.of(this.#program.start), 'edge');
    let state = this.#start;
    for (let index = 0; index < text.length;) {
      const codePoint = text.codePointAt(index) ?? 0;
      index += codePoint > 0xffff ? 2 : 1;
      spend(budget, 1);
      const known = codePoint < 128 ? this.#ascii[codePoint] : this.#beyondAscii.get(codePoint);
      const letter = known ?? this.#classify(codePoint, budget);
      state = state.next[letter.id] ?? this.#advance(state, letter, budget);
      if (state === MATCHED) return true;
    }
    return (state.next[this.#end.id] ?? this.#advance(state, this.#end, budget)) === MATCHED;
  }

  #classify(codePoint: number, budget: Budget): Letter {
    spend(budget, this.#program.memberCount);
    const isIn = this.#program.sets.map((set) => set(codePoint));
    const side = this.#hasAssertions ? sideOf(codePoint) : 'edge';
    const key = `${side} ${isIn.map(Number).join('')}`;
    const letter = this.#letters.get(key) ?? { id: this.#letters.size + 1, side, isIn };
    this.#letters.set(key, letter);
    if (codePoint < 128) {
      this.#ascii[codePoint] = letter;
    } else {
      if (this.#beyondAscii.size === MAX_KNOWN_CODE_POINTS) this.#beyondAscii.clear();
      this.#beyondAscii.set(codePoint, letter);
    }
    return letter;
  }

  /** Finds where a letter, or the end, leads from a state. */
  #advance(state: State, letter: Letter, budget: Budget): State {
    const { code, start } = this.#program;
    const here = this.#here;
    const there = this.#there;
    here.clear();
    there.clear();
    there.add(start);
    for (const place of state.places) here.add(place);
    for (let index = 0; index < here.size; index += 1) {
      spend(budget, 1);
      const instruction = code[here.at(index)];
      switch (instruction?.kind) {
        case 'one':
          if (letter.isIn[instruction.set] === true) there.add(instruction.next);
          break;
        case 'assertion':
          if (instruction.holds(state.before, letter.side)) here.add(instruction.next);
          break;
        case 'split':
          here.add(instruction.next);
          here.add(instruction.other);
          break;
        case 'match':
          state.next[letter.id] = MATCHED;
          return MATCHED;
        case undefined:
          break;
      }
    }
    const next = this.#stateAt(there.sorted(), letter.side);
    state.next[letter.id] = next;
    this.#held += 1;
    return next;
  }

  #stateAt(places: Uint16Array, before: Side): State {
    if (this.#held > MAX_HELD) {
      this.#states.clear();
      this.#start = null;
      this.#held = 0;
    }
    // Spreading the places takes several times longer.
    const key = before + String.fromCharCode.apply(null, places as unknown as number[]);
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    const state: State = { places, before, next: [] };
    this.#states.set(key, state);
    this.#held += places.length + HELD_BY_STATE;
    return state;
  }
}

/** Places of a program in the order they were added, each once (Briggs and Torczon's sparse set). */
class PlaceSet {
  size = 0;
  readonly #dense: Uint16Array;
  readonly #indexes: Uint16Array;

  constructor(capacity: number) {
    this.#dense = new Uint16Array(capacity);
    this.#indexes = new Uint16Array(capacity);
  }

  add(place: number): void {
    const index = this.#indexes[place] ?? 0;
    if (index < this.size && this.#dense[index] === place) return;
    this.#dense[this.size] = place;
    this.#indexes[place] = this.size;
    this.size += 1;
  }

  at(index: number): number {
    return this.#dense[index] ?? 0;
  }

  clear(): void {
    this.size = 0;
  }

  sorted(): Uint16Array {
    return this.#dense.subarray(0, this.size).toSorted();
  }
}

function spend(budget: Budget, steps: number): void {
  if (budget.stepsLeft < steps) {
    budget.stepsLeft = 0;
    throw new PatternBudgetError();
  }
  budget.stepsLeft -= steps;
}
