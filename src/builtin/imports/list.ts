import { iso } from '../../domain/time.ts';
import { skippedMessage } from '../../domain/import-message.ts';
import { joinLists } from '../../domain/json-text.ts';
import type { StoredConversation } from '../conversations.sql.ts';
import { fitsInRow, type RecordContent, type RecordSource } from '../datasets.sql.ts';
import type { StoredTask } from '../tasks.sql.ts';
import { judgeProperties } from './campaign.ts';
import type { ImportStores } from './stores.ts';

/** A slice is small enough for other requests to get their turn between two of them. */
const SLICE_IDS = 500;
const SLICE_UNITS = 1_000_000;
/** How many skipped ids a task's message names. */
const NAMED_IDS = 5;

type Found = (RecordContent & { source: RecordSource }) | 'unknown' | 'too_large';

/** A slice of an import whose records are named one by one. An id that cannot be imported is skipped and told. */
export function runListSlice(task: StoredTask, stores: ImportStores, now: number): StoredTask {
  const { datasets, taskIds } = stores;
  let { offset } = task;
  let units = 0;
  for (const id of taskIds.read(task.id, task.offset, SLICE_IDS)) {
    const found = find(task, id, stores);
    if (typeof found === 'string') {
      taskIds.skip(task.id, offset, found);
    } else {
      const { payload, properties, source } = found;
      datasets.addRecord(task.datasetId, { payload, properties }, source, task.id, now);
      units += payload.length + properties.length;
    }
    offset++;
    if (units >= SLICE_UNITS) break;
  }
  const count = taskIds.count(task.id);
  if (offset < count) {
    return { ...task, offset, progress: Math.floor((offset / count) * 100), updatedAt: now };
  }
  const message = skippedMessage(taskIds.skipped(task.id, NAMED_IDS));
  taskIds.delete(task.id);
  return { ...task, status: 'COMPLETED', offset, progress: 100, message, updatedAt: now };
}

/** What becomes of an id of the task's list. */
function find(task: StoredTask, id: string, { datasets, conversations }: ImportStores): Found {
  if (task.kind === 'dataset') return datasets.getRecord(id) ?? 'unknown';
  const conversation = conversations.ofEvent(id);
  if (conversation === null) return 'unknown';
  const more = task.kind === 'campaign' ? judgeProperties(task, conversation, conversations) : {};
  const content = contentOf(conversation, more);
  if (!fitsInRow(content)) return 'too_large';
  return { ...content, source: task.kind === 'playground' ? 'PLAYGROUND' : 'EXPLORER' };
}

/** A chat as a record: what was said, and which chat it was. */
function contentOf(conversation: StoredConversation, more: object): RecordContent {
  const { eventId, correlationId, modelName, createdAt } = conversation;
  return {
    payload: `{"messages":${joinLists(conversation.requestMessages, conversation.responseMessages)}}`,
    properties: JSON.stringify({
      event_id: eventId,
      correlation_id: correlationId,
      model_name: modelName,
      created_at: iso(createdAt),
      ...more,
    }),
  };
}
