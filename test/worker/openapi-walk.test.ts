import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DocumentCheck } from '../support/openapi/check.ts';
import {
  documentOf,
  operationsOf,
  type ApiDocument,
  type Documented,
} from '../support/openapi/document.ts';
import { Walker, type Step } from '../support/openapi/walk.ts';
import { ApiWorld } from '../support/openapi/world.ts';

const SEED = Number(process.env['WALK_SEED'] ?? 20_261_126);
const STEPS = Number(process.env['WALK_STEPS'] ?? 2000);

let world: ApiWorld;
let document: ApiDocument;
let operations: Documented[];
let check: DocumentCheck;

before(async () => {
  world = await ApiWorld.start();
  document = await documentOf(world.worker.url);
  operations = operationsOf(document);
  check = new DocumentCheck(document);
});
after(() => world.dispose());

/** An escaped slash in an id may lead to another operation, or to none. */
function leavesItsPath({ sent }: Step): boolean {
  return Object.values(sent.ids ?? {}).some((id) => /%2F/i.test(id) || id.trim() === '');
}

test(`${STEPS} random requests get no 500 and no answer outside the document`, async (t) => {
  const walker = new Walker(document, world, SEED);
  const counts = new Map<string, number>();
  const answered = new Map<string, Set<number>>();
  const failures: string[] = [];
  for (let at = 0; at < STEPS; at++) {
    const operation = operations[at % operations.length];
    assert.ok(operation);
    const step = walker.step(operation);
    const shown = `${operation.call} ${JSON.stringify(step.sent).slice(0, 1500)}`;
    const response = await walker.make(step);
    const { status } = response;
    const count = `${step.kind} ${Math.floor(status / 100)}xx`;
    counts.set(count, (counts.get(count) ?? 0) + 1);
    answered.set(operation.call, (answered.get(operation.call) ?? new Set()).add(status));
    try {
      assert.ok(status !== 500, await response.clone().text());
      if (leavesItsPath(step)) await response.body?.cancel();
      else await check.assertAnswer(operation, response);
    } catch (error) {
      failures.push(`${shown}\n  → ${(error as Error).message}`);
    }
    if (operation.method === 'DELETE' && status === 204) await world.refill(operation.path);
  }
  for (const kind of [...counts.keys()].toSorted()) t.diagnostic(`${kind}: ${counts.get(kind)}`);
  assert.deepEqual(failures, []);
  for (const [call, statuses] of answered) {
    assert.ok(
      [...statuses].some((status) => status < 300),
      `${call} never did what it is for`,
    );
  }
});
