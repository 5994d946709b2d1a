import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertGood, assertRefused, assertStream } from '../support/contract/check.ts';
import { broken, randomFrom } from '../support/contract/fuzz.ts';
import type { Operation, Sent } from '../support/contract/operation.ts';
import { OPERATIONS } from '../support/contract/table.ts';
import { World } from '../support/contract/world.ts';
import { startWorker, type TestWorker } from '../support/worker.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_126);
const PER_OPERATION = Number(process.env['FUZZ_ROUNDS'] ?? 12);

let worker: TestWorker;
let world: World;

before(async () => {
  worker = await startWorker();
  world = await World.of(worker);
});
after(() => worker.dispose());

for (const [index, operation] of OPERATIONS.entries()) {
  const { call, good } = operation;
  test(`${PER_OPERATION} broken requests to ${call}: no 5xx, and each answer in its shape`, async () => {
    const random = randomFrom(SEED + index);
    const parameters = [...call.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
    for (let round = 0; round < PER_OPERATION; round++) {
      const sent = broken(random, (await good?.(world)) ?? {}, parameters);
      try {
        await inShape(operation, sent, await world.send(call, sent));
      } catch (error) {
        throw new Error(`${call} ${JSON.stringify(sent).slice(0, 1500)}`, { cause: error });
      }
    }
  });
}

/** What was not refused was taken for good, and is answered so. */
async function inShape(operation: Operation, sent: Sent, response: Response): Promise<void> {
  const path = new URL(response.url).pathname;
  const isRefused = response.status >= 400 && response.status !== operation.status;
  if (isRefused) return assertRefused(response, path);
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
  if (isStream) return assertStream(response);
  // An escaped slash in an id may lead to another operation.
  if (Object.values(sent.ids ?? {}).some((id) => /%2F/i.test(id))) {
    return assert.ok(response.status < 500);
  }
  return assertGood(response, operation);
}
