import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findStarted } from '../../src/domain/adoption.ts';
import { advance, type Observation } from '../../src/domain/import-advance.ts';
import { schedule } from '../../src/domain/import-schedule.ts';
import { pollStep, startStep } from '../../src/domain/import-steps.ts';
import {
  isTerminal,
  newImport,
  type ImportEvent,
  type ImportState,
  type ObservedTask,
} from '../../src/domain/import.ts';
import { numbersFrom } from '../support/numbers.ts';
import { CREATED_AT, observed, order } from './import-fixtures.ts';

const STEPS = 10_000;
const BOUNDS = { minMs: 1000, maxMs: 30_000 };
const WORDS = ['RUNNING', 'RUNNING', 'CONTINUED_AS_NEW', 'UNKNOWN', 'PAUSED', ''];
const ENDS = ['COMPLETED', 'COMPLETED', 'FAILED', 'CANCELED', 'TERMINATED', 'TIMED_OUT'];

/** What a client can see of an import, polls aside: they are no change. */
function shown({ status, progress, message, tasks, finishedAt, detectedAfterMs }: ImportState) {
  const started = tasks.flatMap(({ id, status, progress }) =>
    id === null ? [] : [{ id, status, progress }],
  );
  return JSON.stringify([status, progress, message, started, finishedAt, detectedAfterMs]);
}

/** Walks one import, and checks after each step what always holds. */
class Walk {
  state: ImportState;
  now = CREATED_AT;
  readonly #random: () => number;
  #lastProgressAt = -Infinity;
  #startedEvents = 0;

  constructor(state: ImportState, random: () => number) {
    this.state = state;
    this.#random = random;
  }

  observe(observation: Observation): void {
    const before = this.state;
    const { state, effects } = advance(before, observation, this.now);
    const retryAfterMs = this.#random() < 0.1 ? 5000 : null;
    const input = { bounds: BOUNDS, retryAfterMs, now: this.now, random: this.#random() };
    this.state = schedule(state, observation.kind, input);
    this.#check(before, observation);
    this.#checkEvents(
      before,
      effects.map(({ event }) => event),
    );
  }

  #check(before: ImportState, observation: Observation): void {
    const after = this.state;
    const told = JSON.stringify({ observation, before, after });
    const isOther = shown(after) !== shown(before);
    assert.equal(after.sequence - before.sequence, isOther ? 1 : 0, told);
    assert.equal(after.updatedAt, isOther ? this.now : before.updatedAt, told);
    assert.ok(after.progress >= before.progress && after.progress <= 100, told);
    assert.ok(Number.isInteger(after.progress), told);
    assert.ok(after.polls >= before.polls, told);
    assert.equal(after.finishedAt !== null, isTerminal(after.status), told);
    assert.ok(before.status !== 'running' || after.status !== 'starting', told);
    if (isTerminal(before.status)) assert.equal(shown(after), shown(before), told);
    if (isTerminal(after.status)) {
      assert.deepEqual([after.nextStartAt, after.nextPollAt, after.openStart], [null, null, null]);
      assert.equal(after.hasTurn, false, told);
    } else {
      assert.ok(after.openStart === null || after.hasTurn, `a start without the turn: ${told}`);
      assert.ok(after.nextStartAt !== null || after.nextPollAt !== null, `stuck: ${told}`);
    }
    if (before.hasTurn && !after.hasTurn) assert.ok(after.turnEnd !== null, told);
    if (after.status === 'completed') assert.equal(after.progress, 100, told);
    before.tasks.forEach((task, position) => {
      const next = after.tasks[position];
      if (task.id !== null) assert.equal(next?.id, task.id, told);
      if (task.end !== null) assert.deepEqual(next, task, told);
    });
  }

  #checkEvents(before: ImportState, events: readonly ImportEvent[]): void {
    const { status } = this.state;
    const terminal = events.filter((event) => !/started|progress/.test(event));
    const isEnd = isTerminal(status) && !isTerminal(before.status);
    assert.deepEqual(terminal, isEnd ? [`import.${status}`] : []);
    if (events.includes('import.started')) this.#startedEvents += 1;
    const hasStarted = this.state.tasks.some(({ id }) => id !== null);
    assert.equal(this.#startedEvents, hasStarted ? 1 : 0);
    if (events.includes('import.progress')) {
      assert.ok(this.state.progress > before.progress);
      assert.ok(this.now - this.#lastProgressAt >= 10_000);
      this.#lastProgressAt = this.now;
    }
  }
}

/** The upstream, with the tasks that it has taken; by its own clock, which is off by a fixed time. */
class Upstream {
  readonly tasks: ObservedTask[] = [];
  readonly #clockOff: number;
  #late: { at: number; position: number } | null = null;
  /** How often the start of each position was taken. */
  readonly taken = new Map<number, number>();

  constructor(clockOff: number) {
    this.#clockOff = clockOff;
  }

  take(position: number, now: number): ObservedTask {
    this.taken.set(position, (this.taken.get(position) ?? 0) + 1);
    const createdAt = now + this.#clockOff;
    const task = observed({ id: `task_${this.tasks.length}`, createdAt, updatedAt: createdAt });
    this.tasks.push(task);
    return task;
  }

  takeLater(position: number, at: number): void {
    this.#late = { position, at };
  }

  passTo(now: number): void {
    if (this.#late === null || this.#late.at > now) return;
    this.take(this.#late.position, this.#late.at);
    this.#late = null;
  }

  show(id: string, numbers: (end: number) => number): ObservedTask | null {
    const task = this.tasks.find((one) => one.id === id);
    if (task === undefined || numbers(30) === 0) return null;
    const words = numbers(12) === 0 ? ENDS : WORDS;
    const progress = numbers(5) === 0 ? null : numbers(111);
    const message = numbers(4) === 0 ? `at ${numbers(3)}` : null;
    return { ...task, status: words[numbers(words.length)] ?? '', progress, message };
  }
}

/** One import with its upstream, driven by its own steps as the object that holds it does, crashes included. */
class Life {
  readonly walk: Walk;
  readonly upstream: Upstream;
  readonly #numbers: (end: number) => number;
  readonly #claimed = new Set<string>();
  /** What was sent and may not be sent again unless the upstream certainly did not take it. */
  #sent: number | null = null;

  constructor(numbers: (end: number) => number) {
    this.#numbers = numbers;
    this.upstream = new Upstream(numbers(10_001) - 5000);
    const weights = Array.from({ length: 1 + numbers(4) }, () => 1 + numbers(500));
    const isRelayed = numbers(5) === 0;
    const search = !isRelayed && numbers(4) === 0 ? { filters: {} } : null;
    const state = newImport(
      order({ isRelayed, search }),
      search === null ? weights : [],
      CREATED_AT,
    );
    this.walk = new Walk(state, () => numbers(1_000_000) / 1_000_000);
  }

  /** @returns false when nothing will happen any more */
  step(): boolean {
    const { state } = this.walk;
    const due = [
      state.turnEnd === null ? state.nextStartAt : this.walk.now,
      state.nextPollAt,
    ].filter((time) => time !== null);
    if (due.length === 0) return false;
    this.#pass(Math.max(0, Math.min(...due) - this.walk.now) + this.#numbers(50));
    if (this.#numbers(400) === 0) {
      this.walk.observe({ kind: 'deadline' });
      return true;
    }
    const isStartFirst = this.#numbers(2) === 0;
    const isDone = isStartFirst ? this.#start() : this.#poll();
    if (isDone) return true;
    if (isStartFirst) this.#poll();
    else this.#start();
    return true;
  }

  #pass(ms: number): void {
    this.walk.now += ms;
    this.upstream.passTo(this.walk.now);
  }

  #start(): boolean {
    const { walk } = this;
    const step = startStep(walk.state, walk.now);
    switch (step?.kind) {
      case undefined:
        return false;
      case 'end_turn':
        if (step.taskId !== null) this.#claimed.add(step.taskId);
        walk.state = { ...walk.state, turnEnd: null };
        return true;
      case 'search':
        this.#search();
        return true;
      case 'send':
        if (this.#numbers(6) === 0) walk.observe({ kind: 'start_hindered' });
        else this.#send(step.position);
        return true;
      case 'look':
        this.#look();
        return true;
    }
  }

  #search(): void {
    const outcome = this.#numbers(8);
    if (outcome < 3) this.walk.observe({ kind: 'start_hindered' });
    else if (outcome === 3) this.walk.observe({ kind: 'start_refused', message: 'No.' });
    else this.walk.observe({ kind: 'searched', weights: [500, 500, 3].slice(0, this.#numbers(4)) });
  }

  #send(position: number): void {
    const { walk, upstream } = this;
    assert.equal(this.#sent, null, 'sent while an earlier start may have been taken');
    assert.equal(walk.state.turnEnd, null, 'the turn is given on before the next start');
    walk.observe({ kind: 'sending', position });
    this.#sent = position;
    const sentAt = walk.now;
    const outcome = this.#numbers(10);
    // Before the upstream answers it takes the start, or not, or does so later.
    const isTaken = outcome < 4 || (outcome > 6 && this.#numbers(3) === 0);
    const task = isTaken ? upstream.take(position, walk.now + this.#numbers(20)) : null;
    if (outcome === 9) {
      // The object dies: nothing is noted, and the upstream may be at it still.
      if (task === null && this.#numbers(2) === 0) {
        upstream.takeLater(position, sentAt + this.#numbers(10_000));
      }
      return;
    }
    this.#pass(20 + this.#numbers(outcome === 8 ? 30_000 : 500));
    if (outcome < 4 && task !== null) {
      this.#sent = null;
      walk.observe({ kind: 'started', position, task });
    } else if (outcome === 4) {
      this.#sent = null;
      walk.observe({ kind: 'start_deferred' });
    } else if (outcome === 5) {
      walk.observe({ kind: 'start_refused', message: 'No.' });
    } else {
      const isAnswered = outcome !== 8;
      if (task === null && !isAnswered && walk.now - sentAt < 10_000) {
        const left = 10_000 - (walk.now - sentAt);
        upstream.takeLater(position, walk.now + this.#numbers(left));
      }
      walk.observe({ kind: 'start_unknown', isAnswered });
    }
  }

  #look(): void {
    const { walk, upstream } = this;
    const { openStart } = walk.state;
    assert.ok(openStart !== null);
    if (this.#numbers(5) === 0) return walk.observe({ kind: 'start_hindered' });
    // The list is as old as the answer is slow.
    const listed = [...upstream.tasks];
    this.#pass(this.#numbers(1500));
    const finding = findStarted(listed, openStart, this.#claimed);
    if (finding.kind === 'untellable') assert.fail('nobody else starts imports here');
    if (finding.kind === 'absent') {
      const isRelayed = walk.state.isRelayed;
      walk.observe({ kind: 'start_absent' });
      if (walk.state.openStart === null && !isRelayed) {
        assert.equal(upstream.taken.get(openStart.position), undefined, 'it was taken after all');
        this.#sent = null;
      }
    } else {
      this.#sent = null;
      walk.observe({ kind: 'started', position: openStart.position, task: finding.task });
    }
  }

  #poll(): boolean {
    const { walk } = this;
    const step = pollStep(walk.state, walk.now);
    if (step === null) return false;
    this.#pass(this.#numbers(300));
    const outcome = this.#numbers(60);
    if (outcome < 6) walk.observe({ kind: 'unavailable' });
    else if (outcome === 6) walk.observe({ kind: 'denied', status: 401 + 2 * this.#numbers(2) });
    else {
      const seen = step.taskIds.filter(() => this.#numbers(8) > 0);
      const tasks = new Map(seen.map((id) => [id, this.upstream.show(id, this.#numbers)]));
      walk.observe({ kind: 'polled', tasks, listCalls: 1 + this.#numbers(4) });
    }
    return true;
  }
}

test('imports driven by their own steps keep what always holds, and start each task once', () => {
  const numbers = numbersFrom(20_260_301);
  const ends = new Map<string, number>();
  let steps = 0;
  while (steps < STEPS) {
    const life = new Life(numbers);
    while (life.step()) steps += 1;
    const { state } = life.walk;
    assert.ok(isTerminal(state.status));
    assert.deepEqual([state.hasTurn, state.turnEnd], [false, null], 'the turn was given back');
    for (const [position, times] of life.upstream.taken) {
      assert.equal(times, 1, `task ${position} was started ${times} times`);
    }
    ends.set(state.status, (ends.get(state.status) ?? 0) + 1);
  }
  // The walk is worth nothing where it does not get around.
  assert.equal(ends.size, 6, JSON.stringify([...ends]));
});

test('observations in any order at all keep what always holds', () => {
  const numbers = numbersFrom(7);
  const random = () => numbers(1_000_000) / 1_000_000;
  for (let steps = 0; steps < STEPS;) {
    const weights = Array.from({ length: 1 + numbers(3) }, () => 1 + numbers(9));
    const walk = new Walk(newImport(order(), weights, CREATED_AT), random);
    for (let step = 0; step < 40; step++, steps++) {
      walk.now += numbers(8000);
      const observation = anyObservation(walk.state, numbers);
      if (observation !== null) walk.observe(observation);
    }
  }
});

/** What the object could learn in this state, however unlikely; null when it is nothing. */
function anyObservation(
  { tasks, openStart }: ImportState,
  numbers: (end: number) => number,
): Observation | null {
  const ids = tasks.flatMap(({ id }) => id ?? []);
  const position = tasks.findIndex(({ id, end }) => id === null && end === null);
  const status = [...WORDS, ...WORDS, ...ENDS][numbers(18)] ?? '';
  const task = { status, progress: numbers(140) - 20, updatedAt: CREATED_AT + numbers(99_999) };
  switch (numbers(11)) {
    case 0:
      return position === -1 || openStart !== null ? null : { kind: 'sending', position };
    case 1:
      if (openStart === null) return null;
      return { kind: 'started', position, task: observed({ ...task, id: `task_${position}` }) };
    case 2:
      if (position === -1) return null;
      return numbers(6) === 0 ? { kind: 'start_refused', message: 'No.' } : null;
    case 3:
      return openStart === null ? null : { kind: 'start_deferred' };
    case 4:
      return { kind: 'start_unknown', isAnswered: numbers(2) === 0 };
    case 5:
      return { kind: 'start_absent' };
    case 6:
      if (position === -1) return null;
      return numbers(6) === 0 ? { kind: 'start_untellable', message: 'Two.' } : null;
    case 7:
      return { kind: 'start_hindered' };
    case 8:
      return { kind: 'unavailable' };
    case 9:
      return numbers(9) === 0 ? { kind: 'denied', status: 403 } : null;
    default: {
      const seen = ids.filter(() => numbers(4) > 0);
      const show = (id: string) => (numbers(9) === 0 ? null : observed({ ...task, id }));
      return { kind: 'polled', tasks: new Map(seen.map((id) => [id, show(id)])), listCalls: 1 };
    }
  }
}
