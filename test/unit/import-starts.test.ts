import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { advance, SETTLE_MS, type Observation } from '../../src/domain/import-advance.ts';
import { newImport, type ImportState } from '../../src/domain/import.ts';
import {
  at,
  CREATED_AT,
  missing,
  order,
  polled,
  runningTask,
  sendingImport,
  started,
  startingImport,
  unstartedTask,
} from './import-fixtures.ts';

const observe = (state: ImportState, observation: Observation, now: number) =>
  advance(state, observation, now).state;
const eventsOf = (state: ImportState, observation: Observation, now: number) =>
  advance(state, observation, now).effects.map(({ event }) => event);

const refused = (message = 'No.'): Observation => ({ kind: 'start_refused', message });
const unknown = (isAnswered: boolean): Observation => ({ kind: 'start_unknown', isAnswered });
const ABSENT: Observation = { kind: 'start_absent' };
const DEFERRED: Observation = { kind: 'start_deferred' };
const HINDERED: Observation = { kind: 'start_hindered' };
const MISSING: Observation = { kind: 'start_missing', message: 'No dataset.' };
const untellable = (message = 'Two tasks.'): Observation => ({ kind: 'start_untellable', message });

/** An import whose first task runs and whose second start of three was sent a second after the creation. */
function sendingSecond(change: Partial<ImportState> = {}): ImportState {
  return sendingImport({
    status: 'running',
    sequence: 2,
    tasks: [runningTask(), unstartedTask(), unstartedTask()],
    openStart: { position: 1, sentAt: at(1), settledAt: at(11) },
    ...change,
  });
}

/** What a client sees of a state. */
const visible = ({ status, progress, message, sequence, updatedAt }: ImportState) => ({
  status,
  progress,
  message,
  sequence,
  updatedAt,
});

describe('a search', () => {
  const searching = startingImport({
    tasks: [],
    search: { filters: { AND: [] } },
    startFailures: 2,
  });

  test('that found something plans a task for each part', () => {
    const state = observe(searching, { kind: 'searched', weights: [500, 500, 7] }, at(1));
    assert.deepEqual(
      state.tasks,
      [500, 500, 7].map((weight) => unstartedTask({ weight })),
    );
    assert.equal(state.search, null);
    assert.equal(state.startFailures, 0);
    assert.deepEqual(visible(state), visible(searching));
  });

  test('that found nothing completes the import, and says so', () => {
    const { state, effects } = advance(searching, { kind: 'searched', weights: [] }, at(1));
    assert.equal(state.status, 'completed');
    assert.equal(state.progress, 100);
    assert.match(state.message ?? '', /Nothing matches/);
    assert.deepEqual(effects, [{ kind: 'notify', event: 'import.completed' }]);
    assert.equal(state.sequence, 2);
    assert.equal(state.finishedAt, at(1));
    assert.equal(state.turnEnd, null, 'no turn was taken');
  });

  test('that was refused fails the import with the upstream’s words', () => {
    const { state, effects } = advance(searching, refused('No such field.'), at(1));
    assert.equal(state.status, 'failed');
    assert.equal(state.message, 'No such field.');
    assert.equal(state.search, null);
    assert.deepEqual(effects, [{ kind: 'notify', event: 'import.failed' }]);
  });

  test('that was hindered is counted and kept', () => {
    const state = observe(searching, HINDERED, at(1));
    assert.equal(state.startFailures, 3);
    assert.deepEqual(state.search, searching.search);
  });
});

describe('sending', () => {
  test('notes what is sent, when, and until when the upstream may take it', () => {
    const state = observe(startingImport(), { kind: 'sending', position: 0 }, at(3));
    assert.deepEqual(state.openStart, { position: 0, sentAt: at(3), settledAt: at(3) + SETTLE_MS });
    assert.equal(state.hasTurn, true);
    assert.deepEqual(visible(state), visible(startingImport()));
  });
});

describe('started', () => {
  test('notes the task as begun when it was sent, gives the turn back with it, and forgets failures', () => {
    const state = observe(sendingImport({ startFailures: 4 }), started({ id: 't' }), at(2));
    assert.deepEqual(state.tasks, [runningTask({ id: 't', startedAt: at(1) })]);
    assert.deepEqual(state.turnEnd, { taskId: 't' });
    assert.deepEqual([state.hasTurn, state.openStart, state.startFailures], [false, null, 0]);
    assert.equal(state.status, 'running');
  });

  test('import.started comes once, with the first task', () => {
    assert.deepEqual(eventsOf(sendingImport(), started(), at(2)), ['import.started']);
    const second = started({ id: 'task_2' }, 1);
    assert.deepEqual(eventsOf(sendingSecond(), second, at(2)), []);
    const state = observe(sendingSecond(), second, at(2));
    assert.equal(state.sequence, 3, 'a task more is a change');
  });

  test('a first task that has ended already leaves the import running while others are to come', () => {
    const tasks = [unstartedTask(), unstartedTask()];
    for (const status of ['COMPLETED', 'FAILED', 'CANCELED', 'TERMINATED', 'TIMED_OUT']) {
      const { state, effects } = advance(sendingImport({ tasks }), started({ status }), at(2));
      assert.equal(state.status, 'running', status);
      assert.deepEqual(effects, [{ kind: 'notify', event: 'import.started' }]);
    }
  });

  test('a last task that has ended already ends the import', () => {
    const tasks = [runningTask({ end: 'completed' }), unstartedTask()];
    const last = started({ id: 'task_2', status: 'COMPLETED', updatedAt: at(1.5) }, 1);
    const { state, effects } = advance(sendingSecond({ tasks }), last, at(2));
    assert.equal(state.status, 'completed');
    assert.equal(state.detectedAfterMs, 500);
    assert.deepEqual(state.turnEnd, { taskId: 'task_2' });
    assert.deepEqual(effects, [{ kind: 'notify', event: 'import.completed' }]);
  });
});

describe('refused or untellable', () => {
  for (const [name, observation] of [
    ['refused', refused('Why.')],
    ['untellable', untellable('Why.')],
  ] as const) {
    test(`${name} at the first task: failed, with the reason, and no import.started`, () => {
      const { state, effects } = advance(sendingImport(), observation, at(2));
      assert.equal(state.status, 'failed');
      assert.equal(state.message, 'Why.');
      assert.equal(state.sequence, 2);
      assert.deepEqual([state.hasTurn, state.turnEnd], [false, { taskId: null }]);
      assert.deepEqual(effects, [{ kind: 'notify', event: 'import.failed' }]);
    });

    test(`${name} at a later task: what was started runs to its end, nothing else is started`, () => {
      const { state, effects } = advance(sendingSecond(), observation, at(2));
      assert.equal(state.status, 'running');
      assert.equal(state.message, 'Why.');
      assert.equal(state.sequence, 3);
      assert.deepEqual(effects, []);
      assert.deepEqual([state.openStart, state.turnEnd], [null, { taskId: null }]);
      assert.deepEqual(
        state.tasks.map(({ end }) => end),
        [null, 'failed', 'failed'],
      );
      const ended = advance(state, polled({ status: 'COMPLETED' }), at(9));
      assert.equal(ended.state.status, 'failed');
      assert.equal(ended.state.message, 'Why.');
      assert.deepEqual(ended.effects, [{ kind: 'notify', event: 'import.failed' }]);
    });

    test(`${name} at a later task, when all others have ended: failed at once`, () => {
      const tasks = [runningTask({ end: 'completed' }), unstartedTask()];
      const { state, effects } = advance(sendingSecond({ tasks }), observation, at(2));
      assert.equal(state.status, 'failed');
      assert.equal(state.detectedAfterMs, null);
      assert.deepEqual(effects, [{ kind: 'notify', event: 'import.failed' }]);
    });
  }

  test('a task that was lost is worse than starts that were refused', () => {
    const state = observe(sendingSecond(), refused(), at(2));
    const lost = observe(observe(state, missing(), at(3)), missing(), at(4));
    assert.equal(lost.status, 'lost');
  });

  test('a refusal of many starts keeps the state small', () => {
    const tasks = [runningTask(), ...Array.from({ length: 99 }, () => unstartedTask())];
    const state = observe(sendingSecond({ tasks }), refused('m'.repeat(100_000)), at(2));
    assert.ok(JSON.stringify(state).length < 300_000);
  });
});

describe('deferred', () => {
  test('closes the start, gives the turn back without a task and counts a failure', () => {
    for (const before of [sendingImport(), sendingSecond()]) {
      const { state, effects } = advance(before, DEFERRED, at(2));
      assert.deepEqual([state.openStart, state.hasTurn], [null, false]);
      assert.deepEqual(state.turnEnd, { taskId: null });
      assert.equal(state.startFailures, 1);
      assert.deepEqual(state.tasks, before.tasks);
      assert.deepEqual(visible(state), visible(before));
      assert.deepEqual(effects, []);
    }
  });
});

describe('unknown', () => {
  const before = sendingImport();
  const cases: readonly (readonly [string, boolean, number, number])[] = [
    ['an answer settles at once: nothing comes after it', true, at(2), at(2)],
    ['a connection that broke early settles as was noted', false, at(2), at(11)],
    ['a time-out after that settles at once', false, at(31), at(31)],
    ['a late answer settles when it comes', true, at(31), at(31)],
  ];
  for (const [name, isAnswered, now, settledAt] of cases) {
    test(name, () => {
      const state = observe(before, unknown(isAnswered), now);
      assert.deepEqual(state.openStart, { position: 0, sentAt: at(1), settledAt });
      assert.equal(state.startFailures, 1);
      assert.equal(state.hasTurn, true, 'kept until the start is cleared up');
      assert.equal(state.turnEnd, null);
      assert.deepEqual(visible(state), visible(before));
    });
  }

  test('without an open start only counts', () => {
    const state = observe(startingImport(), unknown(true), at(2));
    assert.deepEqual([state.openStart, state.startFailures], [null, 1]);
  });
});

describe('absent', () => {
  test('before the upstream is past taking the start: it stays open', () => {
    const before = sendingImport({ nextStartAt: at(2) });
    assert.deepEqual(advance(before, ABSENT, at(10.999)), { state: before, effects: [] });
  });

  test('in a look that was due before and answered after: it stays open', () => {
    // The list may be older than a start that was taken while it was on its way.
    const before = sendingImport({ nextStartAt: at(10.5) });
    assert.deepEqual(advance(before, ABSENT, at(11.5)), { state: before, effects: [] });
  });

  for (const [name, before] of [
    ['first', sendingImport({ nextStartAt: at(11) })],
    ['later', sendingSecond({ nextStartAt: at(11) })],
  ] as const) {
    test(`in a look from then on: the ${name} task is to be sent again, in the same turn`, () => {
      const { state, effects } = advance(before, ABSENT, at(11));
      assert.deepEqual([state.openStart, state.hasTurn, state.turnEnd], [null, true, null]);
      assert.deepEqual(state.tasks, before.tasks);
      assert.deepEqual(visible(state), visible(before));
      assert.deepEqual(effects, []);
    });
  }

  test('a relayed import is not sent again: it failed', () => {
    const relayed = sendingImport({ isRelayed: true, nextStartAt: at(11) });
    const { state, effects } = advance(relayed, ABSENT, at(11));
    assert.equal(state.status, 'failed');
    assert.match(state.message ?? '', /did not take/);
    assert.deepEqual(state.turnEnd, { taskId: null });
    assert.deepEqual(effects, [{ kind: 'notify', event: 'import.failed' }]);
    assert.equal(observe(relayed, ABSENT, at(10)).status, 'starting', 'not before it is certain');
  });

  test('without an open start changes nothing', () => {
    const before = startingImport();
    assert.deepEqual(advance(before, ABSENT, at(11)), { state: before, effects: [] });
  });
});

describe('missing', () => {
  const once = observe(sendingImport(), MISSING, at(2));

  test('once may be a blip: the start stays open, and is looked for again', () => {
    assert.deepEqual(visible(once), visible(sendingImport()));
    assert.deepEqual([once.openStart?.settledAt, once.startFailures], [at(11), 1]);
  });

  test('twice running it is believed: the import failed, in the words of the upstream', () => {
    const { status, message, turnEnd } = observe(once, MISSING, at(3));
    assert.deepEqual([status, message, turnEnd], ['failed', 'No dataset.', { taskId: null }]);
  });

  test('what comes in between begins the count anew', () => {
    for (const between of [HINDERED, ABSENT]) {
      const state = observe(observe(once, between, at(3)), MISSING, at(4));
      assert.equal(state.status, 'starting', between.kind);
    }
  });
});

describe('hindered', () => {
  test('is counted; start, turn and tasks stay', () => {
    for (const before of [startingImport(), sendingImport(), sendingSecond()]) {
      assert.deepEqual(advance(before, HINDERED, at(2)), {
        state: { ...before, startFailures: 1 },
        effects: [],
      });
    }
  });
});

describe('several tasks', () => {
  /** Two tasks of unequal weight, both running. */
  const two = sendingSecond({
    tasks: [runningTask({ weight: 300 }), runningTask({ id: 'task_2', weight: 100 })],
    openStart: null,
    hasTurn: false,
  });

  test('progress is their mean by weight', () => {
    const both = polled({ progress: 50 }, { id: 'task_2', progress: 10 });
    assert.equal(observe(two, both, at(2)).progress, 40);
  });

  test('an ended task is not asked any more, and keeps what it said', () => {
    const first = observe(two, polled({ status: 'COMPLETED', progress: 100 }), at(2));
    assert.equal(first.status, 'running');
    assert.equal(first.progress, 75);
    const other = observe(first, polled({ status: 'FAILED', message: 'late' }), at(3));
    assert.deepEqual(other.tasks, first.tasks);
  });

  test('only all of them end the import; the time of the last one counts', () => {
    const first = observe(two, polled({ status: 'COMPLETED', updatedAt: at(1) }), at(2));
    const last = polled({ id: 'task_2', status: 'COMPLETED', updatedAt: at(5.7) });
    const state = observe(first, last, at(6));
    assert.equal(state.status, 'completed');
    assert.equal(state.detectedAfterMs, 300);
  });

  test('when they end together, the later one counts', () => {
    const both = polled(
      { status: 'COMPLETED', updatedAt: at(5) },
      { id: 'task_2', status: 'COMPLETED', updatedAt: at(4) },
    );
    assert.equal(observe(two, both, at(6)).detectedAfterMs, 1000);
  });

  test('each counts its own 404', () => {
    const one = observe(two, missing('task_1'), at(2));
    const other = observe(one, missing('task_2'), at(3));
    assert.deepEqual(
      other.tasks.map(({ end }) => end),
      [null, null],
    );
    const gone = observe(other, missing('task_1', 'task_2'), at(4));
    assert.equal(gone.status, 'lost');
  });

  test('one that is lost does not end the import before the others', () => {
    const twice = [missing('task_1'), missing('task_1')];
    const state = twice.reduce((before, observation) => observe(before, observation, at(2)), two);
    assert.equal(state.status, 'running');
    assert.match(state.message ?? '', /404/);
    const last = observe(state, polled({ id: 'task_2', status: 'COMPLETED' }), at(3));
    assert.equal(last.status, 'lost');
    assert.match(last.message ?? '', /404/);
  });
});

test('a whole life: two tasks, an answer that was lost, an end', () => {
  const life: readonly (readonly [number, Observation, number])[] = [
    [0, { kind: 'sending', position: 0 }, 1],
    [1, started({ id: 'a' }), 2],
    [2, { kind: 'sending', position: 1 }, 2],
    [4, unknown(false), 2],
    [5, polled({ id: 'a', progress: 50 }), 3],
    [13, started({ id: 'b', progress: 20 }, 1), 4],
    [14, polled({ id: 'a', status: 'COMPLETED' }, { id: 'b', progress: 20 }), 5],
    [15, polled({ id: 'b', status: 'COMPLETED' }), 6],
  ];
  let state = newImport(order(), [1, 1], CREATED_AT);
  const events = [];
  for (const [second, observation, sequence] of life) {
    events.push(...eventsOf(state, observation, at(second)));
    state = observe(state, observation, at(second));
    assert.equal(state.sequence, sequence, `${second} s`);
  }
  assert.deepEqual(events, ['import.started', 'import.progress', 'import.completed']);
  assert.equal(state.status, 'completed');
});
