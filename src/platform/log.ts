/** Values that a log line may hold: no key, no content of a request or an answer. */
export type LogFields = Record<string, string | number | boolean | null>;

/** Writes one structured line; Workers Logs indexes its fields. */
export function logInfo(event: string, fields: LogFields): void {
  console.log(JSON.stringify({ event, ...fields }));
}

/** Writes one structured line for something that should not have happened. */
export function logError(event: string, error: unknown, fields: LogFields = {}): void {
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  console.error(JSON.stringify({ event, error: message, ...fields }));
}
