/** One start call: its body, and how many ids that holds. */
export interface ImportPart {
  /** JSON, as it is sent to the upstream. */
  body: string;
  weight: number;
}

/** The most ids that the upstream takes in one call (OpenAPI: `maxItems`). */
const MAX_IDS = { explorer: 500, dataset: 10_000, playground: Infinity } as const;

const ID_FIELD = {
  explorer: 'completion_event_ids',
  dataset: 'dataset_record_ids',
  playground: 'conversation_ids',
} as const;

/** The start calls that import a list of ids; an id that comes again counts once. */
export function partsOfIds(source: keyof typeof MAX_IDS, ids: readonly string[]): ImportPart[] {
  return listsOfIds(source, ids).map((some) => ({
    body: JSON.stringify({ [ID_FIELD[source]]: some }),
    weight: some.length,
  }));
}

/** The ids of each of {@link partsOfIds}. */
export function listsOfIds(source: keyof typeof MAX_IDS, ids: readonly string[]): string[][] {
  const unique = [...new Set(ids)];
  const size = Math.min(MAX_IDS[source], Math.max(1, unique.length));
  const lists: string[][] = [];
  for (let start = 0; start < unique.length; start += size) {
    lists.push(unique.slice(start, start + size));
  }
  return lists;
}

/** Where an import of a source is started (`POST`). */
export function startPath(datasetId: string, source: string): string {
  return `/v1/observability/datasets/${datasetId}/imports/from-${source}`;
}
