import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  cronMistake,
  dueTimes,
  isTimezone,
  MAX_COUNTED,
  nextTimes,
} from '../../src/domain/cron.ts';
import { iso } from '../../src/domain/time.ts';
import { randomOf } from '../support/events.ts';

const times = (cron: string, after: string, count: number, timezone = 'UTC') =>
  nextTimes(cron, timezone, Date.parse(after), count).map((time) => iso(time).slice(0, 16));

for (const cron of [
  '* * * * *',
  '*/15 * * * *',
  '0-30/10 0,12 1-7 JAN,jun-AUG MON-FRI',
  '59 23 31 12 7',
  '0 0 * * SAT-SUN',
  '  5   4 * * sun ',
  '0 0 29 FEB *',
  '*/60 */24 */31 */12 */7',
]) {
  test(`takes ${JSON.stringify(cron)}`, () => {
    assert.equal(cronMistake(cron), null);
    assert.equal(nextTimes(cron, 'Europe/Paris', 0, 3).length, 3);
  });
}

const MISTAKES: [string, RegExp][] = [
  ['', /five fields .* not 0/],
  ['* * * *', /five fields .* not 4/],
  ['0 * * * * *', /five fields .* not 6/],
  ['@daily', /five fields/],
  ['60 * * * *', /field minute: "60" is not a value; it takes 0–59/],
  ['* 24 * * *', /field hour: "24"/],
  ['* * 0 * *', /field day of month: "0"/],
  ['* * * 13 *', /field month: "13" .* 1–12 or JAN–DEC/],
  ['* * * JANUARY *', /field month: "JANUARY"/],
  ['* * * * 8', /field weekday: "8" .* 0–7 or SUN–SAT/],
  ['* * * * JAN', /field weekday: "JAN"/],
  ['MON * * * *', /field minute: "MON"/],
  ['5/15 * * * *', /field minute: .* write 5-59\/15/],
  ['*/0 * * * *', /field minute: the step/],
  ['*/61 * * * *', /field minute: the step/],
  ['* * * * */8', /field weekday: the step of "\*\/8" must be a whole number from 1 to 7/],
  ['* * * * 0-7/8', /field weekday: the step/],
  ['*/5/5 * * * *', /field minute: .* more than one step/],
  ['* 5-1 * * *', /field hour: the range "5-1" goes backwards/],
  ['* * * * FRI-MON', /field weekday: the range "FRI-MON" goes backwards/],
  ['* * * * SUN-SUN', /field weekday: "SUN-SUN" may be one day or seven/],
  ['* * * * 0-sun', /field weekday: "0-sun" may be/],
  ['* 1-2-3 * * *', /field hour: .* no range/],
  ['1,,2 * * * *', /field minute: an item of the list is empty/],
  ['-5 * * * *', /field minute: ""/],
  ['* * L * *', /field day of month: "L"/],
  ['* * 15W * *', /field day of month: "15W"/],
  ['* * * * FRI#2', /field weekday: "FRI#2"/],
  ['* * ? * *', /field day of month: "\?"/],
  ['1.5 * * * *', /field minute/],
  ['٣ * * * *', /field minute/],
  ['0 0 30 2 *', /never comes/],
  ['0 0 31 4,6,9,11 *', /never comes/],
  [`${'0,'.repeat(150)}0 * * * *`, /at most 200 characters/],
];
for (const [cron, message] of MISTAKES) {
  test(`refuses ${JSON.stringify(cron.slice(0, 40))} and says which field is at fault`, () => {
    assert.match(cronMistake(cron) ?? '', message);
  });
}

test('Sunday is 0, 7 and SUN', () => {
  for (const day of ['0', '7', 'SUN', 'sun']) {
    assert.deepEqual(times(`0 0 * * ${day}`, '2026-03-02T00:00Z', 1), ['2026-03-08T00:00']);
  }
  for (const days of ['5-7', 'FRI-SUN']) {
    assert.deepEqual(times(`0 0 * * ${days}`, '2026-03-02T00:00Z', 3), [
      '2026-03-06T00:00',
      '2026-03-07T00:00',
      '2026-03-08T00:00',
    ]);
  }
});

test('day of month and weekday both restricted: either is enough', () => {
  assert.deepEqual(times('0 0 13 * FRI', '2026-03-07T00:00Z', 3), [
    '2026-03-13T00:00',
    '2026-03-20T00:00',
    '2026-03-27T00:00',
  ]);
  assert.deepEqual(times('0 0 10 * MON', '2026-03-08T00:00Z', 3), [
    '2026-03-09T00:00',
    '2026-03-10T00:00',
    '2026-03-16T00:00',
  ]);
});

test('names of zones are those of the IANA database', () => {
  for (const name of ['UTC', 'Europe/Berlin', 'America/Argentina/Buenos_Aires', 'Asia/Kolkata']) {
    assert.equal(isTimezone(name), true, name);
  }
  for (const name of ['', 'Europe/Nowhere', '+01:00', '-0300', 'Berlin', '../etc/passwd']) {
    assert.equal(isTimezone(name), false, name);
  }
});

// Of each change of clocks: expression, zone, from when, and the times in UTC around it.
const CHANGES: [string, string, string, string, string[]][] = [
  [
    'a fixed time in the gap comes right after it',
    '30 2 * * *',
    'Europe/Berlin',
    '2026-03-28T12:00Z',
    ['2026-03-29T01:00', '2026-03-30T00:30'],
  ],
  [
    'a fixed time that there is twice comes the first time',
    '30 2 * * *',
    'Europe/Berlin',
    '2026-10-24T12:00Z',
    ['2026-10-25T00:30', '2026-10-26T01:30'],
  ],
  [
    'a list counts as fixed: its times in the gap come once, right after it',
    '0,30 2 * * *',
    'Europe/Berlin',
    '2026-03-28T12:00Z',
    ['2026-03-29T01:00', '2026-03-30T00:00'],
  ],
  [
    'every half hour passes over the gap',
    '*/30 * * * *',
    'Europe/Berlin',
    '2026-03-29T00:00Z',
    ['2026-03-29T00:30', '2026-03-29T01:00', '2026-03-29T01:30'],
  ],
  [
    'every hour comes in both halves of the doubled hour',
    '30 * * * *',
    'Europe/Berlin',
    '2026-10-25T00:00Z',
    ['2026-10-25T00:30', '2026-10-25T01:30', '2026-10-25T02:30'],
  ],
  [
    'a fixed time in the gap comes right after it',
    '15 2 * * *',
    'America/New_York',
    '2026-03-07T12:00Z',
    ['2026-03-08T07:00', '2026-03-09T06:15'],
  ],
  [
    'a fixed time that there is twice comes the first time',
    '15 1 * * *',
    'America/New_York',
    '2026-10-31T12:00Z',
    ['2026-11-01T05:15', '2026-11-02T06:15'],
  ],
  [
    'a fixed time in a gap of half an hour comes right after it',
    '15 2 * * *',
    'Australia/Lord_Howe',
    '2026-10-02T16:00Z',
    ['2026-10-03T15:30', '2026-10-04T15:15'],
  ],
  [
    'a fixed time in a doubled half hour comes the first time',
    '45 1 * * *',
    'Australia/Lord_Howe',
    '2026-04-03T16:00Z',
    ['2026-04-04T14:45', '2026-04-05T15:15'],
  ],
];
for (const [what, cron, timezone, after, expected] of CHANGES) {
  test(`${timezone}, ${cron}: ${what}`, () => {
    assert.deepEqual(times(cron, after, expected.length, timezone), expected);
  });
}

test('one run a day over a year of two changes, whatever the zone and the hour', () => {
  for (const timezone of ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'UTC']) {
    for (const hour of [0, 1, 2, 3, 23]) {
      const from = Date.parse('2026-01-01T00:00Z');
      const all = nextTimes(`30 ${hour} * * *`, timezone, from, 365);
      const days = all.map((time) =>
        new Date(time).toLocaleDateString('sv', { timeZone: timezone }),
      );
      assert.equal(new Set(days).size, 365, `${timezone} ${hour}`);
    }
  }
});

test('what is due is counted, and its last named, over changes of clocks too', () => {
  const random = randomOf(7);
  for (let round = 0; round < 40; round++) {
    const pick = (list: readonly string[]) => list[Math.floor(random() * list.length)] ?? '';
    const cron = pick([
      '* * * * *',
      '*/7 * * * *',
      '30 * * * *',
      '30 2 * * *',
      '0 */5 * * *',
      '15,45 2,3 * * *',
    ]);
    const timezone = pick(['UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe']);
    const start = Date.parse(pick(['2026-03-08', '2026-03-29', '2026-04-04', '2026-10-25']));
    const [first = 0] = nextTimes(cron, timezone, start, 1);
    const now = first + Math.floor(random() * 16 * 3_600_000);
    const all = nextTimes(cron, timezone, first - 1, 1000).filter((time) => time <= now);
    const due = dueTimes(cron, timezone, first, now);
    assert.equal(due.latest, all.at(-1), `${cron} ${timezone} ${iso(first)} ${iso(now)}`);
    assert.equal(due.count, Math.min(all.length, MAX_COUNTED));
  }
});
