import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { advance, type Observation } from '../../src/domain/import-advance.ts';
import {
  IMPORT_STATUSES,
  isTerminal,
  type ImportEvent,
  type ImportState,
  type ImportStatus,
  type ObservedTask,
} from '../../src/domain/import.ts';
import {
  at,
  missing,
  polled,
  runningImport,
  runningTask,
  sendingImport,
  started,
  startingImport,
} from './import-fixtures.ts';

const eventsOf = (state: ImportState, observation: Observation, now: number) =>
  advance(state, observation, now).effects.map(({ event }) => event);

/** Takes observations one after the other, a second apart from the creation on. */
function history(state: ImportState, observations: readonly Observation[]): ImportState {
  return observations.reduce(
    (before, observation, index) => advance(before, observation, at(index + 1)).state,
    state,
  );
}

const UNAVAILABLE: Observation = { kind: 'unavailable' };
const DEADLINE: Observation = { kind: 'deadline' };
const denied = (status: number): Observation => ({ kind: 'denied', status });

/** What becomes of an open import; `same` stays as it is. */
const OUTCOMES: readonly (readonly [string, Observation, ImportStatus | 'same'])[] = [
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
  ['polled, a name of Object.prototype', polled({ status: 'constructor' }), 'running'],
  ['polled, another task than ours', polled({ id: 'foreign', status: 'FAILED' }), 'running'],
  ['polled, nothing of the task', { kind: 'polled', tasks: new Map(), listCalls: 1 }, 'running'],
  ['one 404', missing(), 'running'],
  ['401', denied(401), 'lost'],
  ['403', denied(403), 'lost'],
  ['no answer', UNAVAILABLE, 'same'],
  ['deadline passed', DEADLINE, 'lost'],
  ['start hindered', { kind: 'start_hindered' }, 'same'],
  ['start deferred', { kind: 'start_deferred' }, 'same'],
  ['start unknown', { kind: 'start_unknown', isAnswered: false }, 'same'],
  ['start absent', { kind: 'start_absent' }, 'same'],
  ['sending', { kind: 'sending', position: 0 }, 'same'],
];

/** Observations that only a start brings; here for the terminal states, which take in nothing at all. */
const OF_STARTS: readonly (readonly [string, Observation])[] = [
  ['started', started()],
  ['searched', { kind: 'searched', weights: [3] }],
  ['searched in vain', { kind: 'searched', weights: [] }],
  ['start refused', { kind: 'start_refused', message: 'No.' }],
  ['start untellable', { kind: 'start_untellable', message: 'Who knows.' }],
];

describe('every observation in every status', () => {
  for (const [name, observation, outcome] of OUTCOMES) {
    for (const status of ['starting', 'running'] as const) {
      const expected = outcome === 'same' ? status : outcome;
      test(`${status}: ${name} → ${expected}`, () => {
        const { state } = advance(runningImport({ status }), observation, at(1));
        assert.equal(state.status, expected);
      });
    }
  }
  for (const status of IMPORT_STATUSES.filter(isTerminal)) {
    for (const [name, observation] of [...OUTCOMES, ...OF_STARTS]) {
      test(`${status} stays as it is: ${name}`, () => {
        const tasks = [runningTask({ missing: 1 })];
        const before = runningImport({ status, finishedAt: at(0), tasks });
        const after = advance(before, observation, at(60));
        // A start that came too late is claimed all the same, so that no other import adopts its task.
        const isLate = observation.kind === 'started';
        const turnEnd = isLate ? { taskId: observation.task.id } : null;
        assert.deepEqual(after, { state: { ...before, turnEnd }, effects: [] });
      });
    }
  }
});

describe('events', () => {
  const once = [runningTask({ missing: 1 })];
  const cases: readonly (readonly [string, ImportState, Observation, ImportEvent[]])[] = [
    ['a start', sendingImport(), started(), ['import.started']],
    [
      'a start that is done already tells both',
      sendingImport(),
      started({ status: 'COMPLETED' }),
      ['import.started', 'import.completed'],
    ],
    [
      'a start that failed already tells both',
      sendingImport(),
      started({ status: 'FAILED' }),
      ['import.started', 'import.failed'],
    ],
    ['nothing new', runningImport(), polled(), []],
    ['completed', runningImport(), polled({ status: 'COMPLETED' }), ['import.completed']],
    ['failed', runningImport(), polled({ status: 'FAILED' }), ['import.failed']],
    ['canceled', runningImport(), polled({ status: 'CANCELED' }), ['import.canceled']],
    ['terminated', runningImport(), polled({ status: 'TERMINATED' }), ['import.terminated']],
    ['timed out', runningImport(), polled({ status: 'TIMED_OUT' }), ['import.timed_out']],
    ['denied', runningImport(), denied(403), ['import.lost']],
    ['deadline', runningImport(), DEADLINE, ['import.lost']],
    ['a first 404', runningImport(), missing(), []],
    ['a second 404', runningImport({ tasks: once }), missing(), ['import.lost']],
    ['no answer', runningImport(), UNAVAILABLE, []],
  ];
  for (const [name, state, observation, events] of cases) {
    test(`${name}: ${events.join(', ') || 'none'}`, () => {
      assert.deepEqual(eventsOf(state, observation, at(1)), events);
    });
  }
});

describe('progress events', () => {
  test('come with the first move of progress, then 10 s after each other', () => {
    let state = runningImport();
    const told: number[] = [];
    for (let second = 1; second <= 35; second++) {
      const observation = polled({ progress: second });
      if (eventsOf(state, observation, at(second)).includes('import.progress')) told.push(second);
      ({ state } = advance(state, observation, at(second)));
    }
    assert.deepEqual(told, [1, 11, 21, 31]);
  });

  test('are left out where a start is told that has progress already', () => {
    const events = eventsOf(sendingImport(), started({ progress: 7 }), at(20));
    assert.deepEqual(events, ['import.started']);
  });

  test('are left out when only the message or the task status changed', () => {
    const before = runningImport({ progress: 5 });
    for (const task of [{ message: 'half way' }, { status: 'UNKNOWN' }]) {
      const { state, effects } = advance(before, polled({ progress: 5, ...task }), at(60));
      assert.deepEqual(effects, []);
      assert.equal(state.progressSentAt, null);
    }
  });

  test('are left out beside the end, which says it all', () => {
    assert.deepEqual(eventsOf(runningImport(), polled({ status: 'COMPLETED' }), at(60)), [
      'import.completed',
    ]);
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
    for (const observation of [missing(), UNAVAILABLE, DEADLINE, denied(401)]) {
      assert.equal(advance(before, observation, at(1)).state.progress, 42);
    }
  });

  test('dates its last move, for the schedule', () => {
    const moved = advance(runningImport(), polled({ progress: 3 }), at(5)).state;
    assert.equal(moved.progressAt, at(5));
    const still = advance(moved, polled({ progress: 3, message: 'x' }), at(9)).state;
    assert.equal(still.progressAt, at(5));
  });
});

describe('sequence and updatedAt', () => {
  const changes: readonly (readonly [string, Observation, boolean])[] = [
    ['progress', polled({ progress: 1 }), true],
    ['a message', polled({ message: 'reading' }), true],
    ['a task status', polled({ status: 'CONTINUED_AS_NEW' }), true],
    ['the end', polled({ status: 'COMPLETED' }), true],
    ['several changes at once', polled({ status: 'X', progress: 9, message: 'y' }), true],
    ['the deadline', DEADLINE, true],
    ['401', denied(401), true],
    ['the same again', polled(), false],
    ['the same at a later upstream time', polled({ updatedAt: at(1) }), false],
    ['one 404', missing(), false],
    ['no answer', UNAVAILABLE, false],
    ['a message that differs behind the cut', polled({ message: `${'m'.repeat(2000)}x` }), false],
  ];
  for (const [name, observation, grows] of changes) {
    test(`${name} ${grows ? 'moves' : 'does not move'} them`, () => {
      const cut = name.includes('cut') ? 'm'.repeat(2000) : null;
      const before = runningImport({ message: cut });
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

  test('a start that is at its end already moves them by one', () => {
    const { state } = advance(sendingImport(), started({ status: 'COMPLETED' }), at(1));
    assert.equal(state.sequence, 2);
  });
});

describe('404', () => {
  test('once is a blip, twice running the import is lost', () => {
    const once = history(runningImport(), [missing()]);
    assert.equal(once.status, 'running');
    const twice = history(once, [missing()]);
    assert.equal(twice.status, 'lost');
    assert.match(twice.message ?? '', /404/);
  });

  test('with a good poll between, both are blips', () => {
    const state = history(runningImport(), [missing(), polled(), missing()]);
    assert.equal(state.status, 'running');
    assert.equal(state.tasks[0]?.missing, 1);
  });

  test('a poll that does not tell of a task says nothing of it', () => {
    const partial: Observation = { kind: 'polled', tasks: new Map(), listCalls: 9 };
    const state = history(runningImport(), [missing(), partial, partial]);
    assert.equal(state.status, 'running');
    assert.equal(state.tasks[0]?.missing, 1);
    assert.equal(state.listPages, 9);
  });

  test('what a poll by list took is kept until the next one by list', () => {
    const byIds: Observation = { kind: 'polled', tasks: new Map(), listCalls: null };
    const state = history(runningImport({ listPages: 7 }), [byIds]);
    assert.equal(state.listPages, 7);
  });
});

describe('polls and failures', () => {
  test('every poll counts, answered or not; what is no poll does not', () => {
    const polls = [polled(), UNAVAILABLE, missing(), polled(), denied(401)];
    assert.equal(history(runningImport(), polls).polls, 5);
    for (const observation of [started(), DEADLINE, { kind: 'start_hindered' } as const]) {
      assert.equal(advance(startingImport(), observation, at(1)).state.polls, 0);
    }
  });

  test('failures add up without end and the first answer forgets them, a 404 too', () => {
    const after = history(
      runningImport(),
      Array.from({ length: 50 }, () => UNAVAILABLE),
    );
    assert.equal(after.failures, 50);
    assert.equal(after.status, 'running');
    assert.equal(history(after, [polled()]).failures, 0);
    assert.equal(history(after, [missing()]).failures, 0);
  });
});

describe('the end', () => {
  test('is dated', () => {
    for (const observation of [polled({ status: 'FAILED' }), DEADLINE, denied(403)]) {
      const { state } = advance(runningImport(), observation, at(9));
      assert.equal(state.finishedAt, at(9));
      assert.equal(state.updatedAt, at(9));
    }
  });

  test('tells how long after the upstream it was seen', () => {
    const detected = (updatedAt: number | null) =>
      advance(runningImport(), polled({ status: 'COMPLETED', updatedAt }), at(9)).state
        .detectedAfterMs;
    assert.equal(detected(at(8.75)), 250);
    assert.equal(detected(at(12)), 0, 'an upstream clock ahead of ours');
    assert.equal(detected(null), null);
    assert.equal(advance(runningImport(), DEADLINE, at(9)).state.detectedAfterMs, null);
  });

  test('keeps the task as last seen, with the upstream’s own word and message', () => {
    const task = { status: 'FAILED', progress: 63, message: 'Line 4 is not JSON.' };
    const { state } = advance(runningImport(), polled(task), at(1));
    assert.deepEqual(state.tasks, [runningTask({ ...task, end: 'failed' })]);
    assert.equal(state.message, 'Line 4 is not JSON.');
  });

  test('says why where no task could', () => {
    const message = (observation: Observation) =>
      advance(runningImport(), observation, at(1)).state.message ?? '';
    assert.match(message(DEADLINE), /IMPORT_DEADLINE_MS/);
    assert.match(message(denied(401)), /401.*MISTRAL_API_KEY/);
  });

  test('gives back a turn that was taken, and drops what was still to be done', () => {
    for (const observation of [DEADLINE, denied(401)]) {
      const before = sendingImport({ search: { filters: {} } });
      const { state } = advance(before, observation, at(9));
      assert.deepEqual(state.turnEnd, { taskId: null });
      assert.deepEqual([state.hasTurn, state.openStart, state.search], [false, null, null]);
    }
  });

  test('leaves a claim that is still to be told', () => {
    const before = runningImport({ turnEnd: { taskId: 'task_1' } });
    assert.deepEqual(advance(before, DEADLINE, at(9)).state.turnEnd, { taskId: 'task_1' });
  });
});

describe('messages', () => {
  const LONG = 'm'.repeat(100_000);
  test('of the upstream are cut to 2000, in the state and in its tasks', () => {
    const observations = [
      polled({ message: LONG }),
      polled({ message: LONG, status: 'FAILED' }),
      { kind: 'start_refused', message: LONG } as const,
    ];
    for (const observation of observations) {
      const state = history(sendingImport({ tasks: [runningTask()] }), [observation]);
      assert.ok(JSON.stringify(state).length < 10_000);
    }
    assert.equal(history(runningImport(), [polled({ message: LONG })]).message?.length, 2000);
    const refusal: Observation = { kind: 'start_refused', message: LONG };
    assert.equal(history(startingImport(), [refusal]).message?.length, 2000);
  });

  test('of two thousand tasks fit in the one row of SQLite, of 2 MB, that an import is', () => {
    const ids = Array.from({ length: 2000 }, (_, index) => `task_${index}`);
    const message = '失'.repeat(2000);
    const running = runningImport({ tasks: ids.map((id) => runningTask({ id })) });
    const starting = {
      ...running,
      tasks: ids.map((id) => runningTask({ id: id === 'task_0' ? id : null })),
    };
    for (const state of [
      history(running, [polled(...ids.map((id) => ({ id, status: 'FAILED', message })))]),
      history(starting, [{ kind: 'start_refused', message }]),
    ]) {
      assert.ok(new TextEncoder().encode(JSON.stringify(state)).byteLength < 1_500_000);
      assert.match(state.tasks.at(-1)?.message ?? '', /^失{100}$/);
    }
  });

  test('are not cut through a character', () => {
    const message = `${'m'.repeat(1999)}😀`;
    const state = history(runningImport(), [polled({ message })]);
    assert.equal(state.message?.isWellFormed(), true);
  });
});

test('what is given is left as it was', () => {
  const before = sendingImport();
  const text = JSON.stringify(before);
  advance(before, started({ status: 'FAILED', message: 'x' }), at(20));
  assert.equal(JSON.stringify(before), text);
});
