import { ledgerRow, type LedgerRow, type UsageRow } from '../domain/usage.ts';
import { Batches } from '../platform/batches.ts';
import { randomToken } from '../platform/ids.ts';

/** All tries together stay well below the 30 seconds that a `waitUntil` lives after its answer. */
const batches = new Batches<LedgerRow>({
  failure: 'usage_lost',
  gatherMs: 50,
  maxWaiting: 1000,
  retryMs: [100, 1000, 4000],
});

/**
 * Notes an answered chat in its client's ledger, once a chat and after its end. Rows of the same client within 50 ms
 * go over in one call; a call that fails is made again, and what cannot be handed over is logged.
 * @param waitUntil keeps the request alive until the rows are handed over
 */
export function noteUsage(
  env: Env,
  clientId: string,
  row: UsageRow,
  waitUntil: (promise: Promise<unknown>) => void,
): void {
  // A stub that failed may stay broken: each try takes a new one.
  const handOver = (rows: LedgerRow[]) => env.USAGE_LEDGER.getByName(clientId).add(rows);
  const flush = batches.add(clientId, ledgerRow(row, randomToken(16)), handOver);
  if (flush !== null) waitUntil(flush);
}
