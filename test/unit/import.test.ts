import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  advance,
  DEFAULT_EVENTS,
  IMPORT_EVENTS,
  IMPORT_STATUSES,
  isTerminal,
  newImport,
  type ImportEvent,
  type ImportState,
  type ImportStatus,
  type Observation,
  type ObservedTask,
} from '../../src/domain/import.ts';
import { CREATED_AT, observed, order, runningImport, startingImport } from './import-fixtures.ts';

const at = (seconds: number) => CREATED_AT + seconds * 1000;

const polled = (task: Partial<ObservedTask> = {}): Observation => ({
  kind: 'polled',
  task: observed(task),
});
const started = (task: Partial<ObservedTask> = {}): Observation => ({
  kind: 'started',
  task: observed(task),
});

/** Takes observations one after the other, a second apart from the creation on. */
function history(state: ImportState, observations: readonly Observation[]): ImportState {
  return observations.reduce(
    (before, observation, index) => advance(before, observation, at(index + 1)).state,
    state,
  );
}

const OPEN_STATUSES = ['starting', 'running'] as const;
const TERMINAL_STATUSES = IMPORT_STATUSES.filter(isTerminal);

test('only starting and running are not terminal', () => {
  assert.deepEqual(TERMINAL_STATUSES, [
    'completed',
    'failed',
    'canceled',
    'terminated',
    'timed_out',
    'lost',
  ]);
});

test('a callback gets the terminal events by default and may ask for two more', () => {
  assert.deepEqual(
    DEFAULT_EVENTS,
    TERMINAL_STATUSES.map((status) => `import.${status}`),
  );
  assert.deepEqual(IMPORT_EVENTS, ['import.started', 'import.progress', ...DEFAULT_EVENTS]);
});

test('a new import is starting, with nothing known and sequence 1', () => {
  const state = newImport(order(), CREATED_AT);
  assert.deepEqual(state, {
    ...order(),
    status: 'starting',
    progress: 0,
    message: null,
    task: null,
    sequence: 1,
    createdAt: CREATED_AT,
    updatedAt: CREATED_AT,
    finishedAt: null,
    polls: 0,
    detectedAfterMs: null,
    nextPollAt: null,
    progressSentAt: null,
    failures: 0,
    missing: 0,
  });
});

/** What becomes of an open import; `same` stays as it is. */
const OUTCOMES: readonly (readonly [string, Observation, ImportStatus | 'same'])[] = [
  ['started, RUNNING', started(), 'running'],
  ['started, COMPLETED already', started({ status: 'COMPLETED' }), 'completed'],
  ['started, FAILED already', started({ status: 'FAILED' }), 'failed'],
  ['polled, RUNNING', polled(), 'running'],
  ['polled, COMPLETED', polled({ status: 'COMPLETED' }), 'completed'],
  ['polled, FAILED', polled({ status: 'FAILED' }), 'failed'],
  ['polled, CANCELED', polled({ status: 'CANCELED' }), 'canceled'],
  ['polled, TERMINATED', polled({ status: 'TERMINATED' }), 'terminated'],
  ['polled, TIMED_OUT', polled({ status: 'TIMED_OUT' }), 'timed_out'],
  ['polled, CONTINUED_AS_NEW', polled({ status: 'CONTINUED_AS_NEW' }), 'running'],
  ['polled, UNKNOWN', polled({ status: 'UNKNOWN' }), 'running'],
  ['polled, a word of next year', polled({ status: 'PAUSED' }), 'running'],
  ['polled, an empty word', polled({ status: '' }), 'running'],
  ['polled, a known word in lower case', polled({ status: 'completed' }), 'running'],
  ['one 404', { kind: 'missing' }, 'same'],
  ['401', { kind: 'denied', status: 401 }, 'lost'],
  ['403', { kind: 'denied', status: 403 }, 'lost'],
  ['no answer', { kind: 'unavailable' }, 'same'],
  ['deadline passed', { kind: 'deadline' }, 'lost'],
  ['start not known', { kind: 'start_unknown', message: 'Who knows.' }, 'failed'],
];

describe('every observation in every status', () => {
  for (const [name, observation, outcome] of OUTCOMES) {
    for (const status of OPEN_STATUSES) {
      const expected = outcome === 'same' ? status : outcome;
      test(`${status}: ${name} → ${expected}`, () => {
        const { state } = advance(runningImport({ status }), observation, at(1));
        assert.equal(state.status, expected);
      });
    }
    for (const status of TERMINAL_STATUSES) {
      test(`${status} stays as it is: ${name}`, () => {
        const before = runningImport({ status, finishedAt: at(0), missing: 1 });
        assert.deepEqual(advance(before, observation, at(1)), { state: before, events: [] });
      });
    }
  }
});

describe('events', () => {
  const cases: readonly (readonly [string, ImportState, Observation, ImportEvent[]])[] = [
    ['a start', startingImport(), started(), ['import.started']],
    [
      'a start that is done already tells both',
      startingImport(),
      started({ status: 'COMPLETED' }),
      ['import.started', 'import.completed'],
    ],
    [
      'a start that is not known',
      startingImport(),
      { kind: 'start_unknown', message: '' },
      ['import.failed'],
    ],
    ['nothing new', runningImport(), polled(), []],
    ['completed', runningImport(), polled({ status: 'COMPLETED' }), ['import.completed']],
    ['failed', runningImport(), polled({ status: 'FAILED' }), ['import.failed']],
    ['canceled', runningImport(), polled({ status: 'CANCELED' }), ['import.canceled']],
    ['terminated', runningImport(), polled({ status: 'TERMINATED' }), ['import.terminated']],
    ['timed out', runningImport(), polled({ status: 'TIMED_OUT' }), ['import.timed_out']],
    ['refused', runningImport(), { kind: 'denied', status: 403 }, ['import.lost']],
    ['deadline', runningImport(), { kind: 'deadline' }, ['import.lost']],
    ['a first 404', runningImport(), { kind: 'missing' }, []],
    ['a second 404', runningImport({ missing: 1 }), { kind: 'missing' }, ['import.lost']],
    ['no answer', runningImport(), { kind: 'unavailable' }, []],
  ];
  for (const [name, state, observation, events] of cases) {
    test(`${name}: ${events.join(', ') || 'none'}`, () => {
      assert.deepEqual(advance(state, observation, at(1)).events, events);
    });
  }
});

describe('progress events', () => {
  test('come no earlier than 10 s after the creation, then 10 s after each other', () => {
    let state = runningImport();
    const told: number[] = [];
    for (let second = 1; second <= 35; second++) {
      const step = advance(state, polled({ progress: second }), at(second));
      if (step.events.includes('import.progress')) told.push(second);
      state = step.state;
    }
    assert.deepEqual(told, [10, 20, 30]);
  });

  test('are left out when only the message or the task status changed', () => {
    const before = runningImport({ progress: 5 });
    for (const task of [{ message: 'half way' }, { status: 'UNKNOWN' }]) {
      const { state, events } = advance(before, polled({ progress: 5, ...task }), at(60));
      assert.deepEqual(events, []);
      assert.equal(state.progressSentAt, null);
    }
  });

  test('are left out beside the end, which says it all', () => {
    const { events } = advance(runningImport(), polled({ status: 'COMPLETED' }), at(60));
    assert.deepEqual(events, ['import.completed']);
  });
});

describe('progress', () => {
  const cases: readonly (readonly [string, number, Partial<ObservedTask>, number])[] = [
    ['follows the task', 10, { progress: 42 }, 42],
    ['never goes back', 42, { progress: 10 }, 42],
    ['stays when the task reports none', 42, { progress: null }, 42],
    ['is a whole number', 0, { progress: 42.9 }, 42],
    ['is 100 at most', 0, { progress: 250 }, 100],
    ['is 0 at least', 0, { progress: -3 }, 0],
    [
      'is 100 once completed, whatever the task says',
      42,
      { status: 'COMPLETED', progress: 7 },
      100,
    ],
    ['keeps its place when the task failed', 42, { status: 'FAILED', progress: null }, 42],
  ];
  for (const [name, before, task, after] of cases) {
    test(name, () => {
      const { state } = advance(runningImport({ progress: before }), polled(task), at(1));
      assert.equal(state.progress, after);
    });
  }

  test('is never changed by what tells nothing of it', () => {
    const before = runningImport({ progress: 42 });
    for (const observation of [
      { kind: 'missing' },
      { kind: 'unavailable' },
      { kind: 'deadline' },
      { kind: 'denied', status: 401 },
    ] satisfies Observation[]) {
      assert.equal(advance(before, observation, at(1)).state.progress, 42);
    }
  });
});

describe('sequence and updatedAt', () => {
  const changes: readonly (readonly [string, Observation, boolean])[] = [
    ['progress', polled({ progress: 1 }), true],
    ['a message', polled({ message: 'reading' }), true],
    ['a task status', polled({ status: 'CONTINUED_AS_NEW' }), true],
    ['the end', polled({ status: 'COMPLETED' }), true],
    ['the deadline', { kind: 'deadline' }, true],
    ['the same again', polled(), false],
    ['the same at a later upstream time', polled({ updatedAt: at(1) }), false],
    ['one 404', { kind: 'missing' }, false],
    ['no answer', { kind: 'unavailable' }, false],
  ];
  for (const [name, observation, grows] of changes) {
    test(`${name} ${grows ? 'moves' : 'does not move'} them`, () => {
      const before = runningImport();
      const { state } = advance(before, observation, at(1));
      assert.equal(state.sequence - before.sequence, grows ? 1 : 0);
      assert.equal(state.updatedAt, grows ? at(1) : before.updatedAt);
    });
  }

  test('a start moves them by one', () => {
    const { state } = advance(startingImport(), started(), at(1));
    assert.equal(state.sequence, 2);
    assert.equal(state.updatedAt, at(1));
  });
});

describe('404', () => {
  test('once is a blip, twice running the import is lost', () => {
    const once = advance(runningImport(), { kind: 'missing' }, at(1)).state;
    assert.equal(once.status, 'running');
    const twice = advance(once, { kind: 'missing' }, at(2)).state;
    assert.equal(twice.status, 'lost');
    assert.match(twice.message ?? '', /404/);
  });

  test('with a good poll between, both are blips', () => {
    const blips = [{ kind: 'missing' }, polled(), { kind: 'missing' }] satisfies Observation[];
    assert.equal(history(runningImport(), blips).status, 'running');
  });
});

describe('polls and failures', () => {
  test('every poll counts, answered or not; what is no poll does not', () => {
    const polls = [
      polled(),
      { kind: 'unavailable' },
      { kind: 'missing' },
      polled(),
      { kind: 'denied', status: 401 },
    ] satisfies Observation[];
    assert.equal(history(runningImport(), polls).polls, 5);
    for (const observation of [started(), { kind: 'deadline' }] satisfies Observation[]) {
      assert.equal(advance(startingImport(), observation, at(1)).state.polls, 0);
    }
  });

  test('failures add up and the first good poll forgets them', () => {
    const failing = Array.from({ length: 50 }, (): Observation => ({ kind: 'unavailable' }));
    const after = history(runningImport(), failing);
    assert.equal(after.failures, 50);
    assert.equal(after.status, 'running');
    assert.equal(history(after, [polled()]).failures, 0);
  });
});

describe('the end', () => {
  test('is dated, and no poll follows', () => {
    const endings = [
      polled({ status: 'FAILED' }),
      { kind: 'deadline' },
      { kind: 'denied', status: 403 },
      { kind: 'start_unknown', message: '' },
    ] satisfies Observation[];
    for (const observation of endings) {
      const { state } = advance(runningImport(), observation, at(9));
      assert.equal(state.finishedAt, at(9));
      assert.equal(state.nextPollAt, null);
    }
  });

  test('tells how long after the upstream it was seen', () => {
    const detected = (updatedAt: number | null) =>
      advance(runningImport(), polled({ status: 'COMPLETED', updatedAt }), at(9)).state
        .detectedAfterMs;
    assert.equal(detected(at(8.75)), 250);
    assert.equal(detected(at(12)), 0, 'an upstream clock ahead of ours');
    assert.equal(detected(null), null);
  });

  test('keeps the task as last seen, with the upstream’s own word and message', () => {
    const task = { status: 'FAILED', progress: 63, message: 'Line 4 is not JSON.' };
    const { state } = advance(runningImport(), polled(task), at(1));
    assert.deepEqual(state.task, { id: 'task_1', status: 'FAILED', progress: 63 });
    assert.equal(state.message, 'Line 4 is not JSON.');
  });

  test('says why where no task could', () => {
    const message = (observation: Observation) =>
      advance(runningImport(), observation, at(1)).state.message ?? '';
    assert.match(message({ kind: 'deadline' }), /IMPORT_DEADLINE_MS/);
    assert.match(message({ kind: 'denied', status: 401 }), /401.*MISTRAL_API_KEY/);
    assert.equal(message({ kind: 'start_unknown', message: 'Who knows.' }), 'Who knows.');
  });
});
