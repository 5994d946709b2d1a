// What differs from run to run, and stands for the same on the page.

/** Where the page's calls go. */
export const HERE = 'http://localhost:8787';

const TIME = '2026-11-26T12:00:00.000Z';
const NUMBERS: Record<string, number> = {
  polls: 2,
  sequence: 3,
  detected_after_ms: 20,
  duration_ms: 12,
  ttfb_ms: 8,
  created: 1_795_694_400,
  total_time_elapsed: 0.012,
};
const TEXTS: Record<string, string> = {
  request_id: 'rQ1y8Yk0m3nB5xZ7aB4cD1',
  correlation_id: 'rQ1y8Yk0m3nB5xZ7aB4cD1',
  secret: '…',
  next_cursor: 'MTc5NTY5NDQwMDAwMC4x',
};

const IDS =
  /[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}|\b[\da-f]{32}\b|\b(?:imp|cl|msg|hook|sch|run)_[\w-]{22}/g;
const SECRETS = /wsk_[\w-]{43}|whsec_[A-Za-z\d+/]{43}=/g;
const TIMES = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g;

/** Puts placeholders into texts; the same id gets the same placeholder throughout. */
export class Placeholders {
  readonly #ids = new Map<string, string>();
  readonly #origins: Record<string, string>;
  #count = 0;

  /** @param origins what stands for which URL */
  constructor(origins: Record<string, string>) {
    this.#origins = origins;
  }

  /** @param text that is no JSON, or is part of one */
  text(text: string): string {
    let put = text;
    for (const [from, to] of Object.entries(this.#origins)) put = put.replaceAll(from, to);
    return put
      .replaceAll(IDS, (id) => this.#idFor(id))
      .replaceAll(SECRETS, (secret) => `${secret.split('_')[0]}_…`)
      .replaceAll(TIMES, TIME)
      .replaceAll(/(?<=run_\w{22})_\d{8}T\d{9}Z/g, '_20261126T120000000Z')
      .replaceAll(/expires=\d+/g, 'expires=1795694400000')
      .replaceAll(/signature=[\w%-]+/g, 'signature=…')
      .replaceAll(/"created":\d+/g, `"created":${NUMBERS['created']}`);
  }

  /** @param value any JSON */
  value(value: unknown): unknown {
    return JSON.parse(this.text(JSON.stringify(value)), (key, part: unknown) => {
      if (typeof part === 'number') return NUMBERS[key] ?? part;
      if (key === 'day') return TIME.slice(0, 10);
      // Whether the attempt has begun already is not for the page.
      if (isPending(part)) return { ...part, attempts: 1, next_attempt_at: TIME };
      return typeof part === 'string' ? (TEXTS[key] ?? part) : part;
    });
  }

  #idFor(id: string): string {
    const known = this.#ids.get(id);
    if (known !== undefined) return known;
    const number = String(++this.#count);
    const [prefix] = id.split('_');
    const made = id.includes('_')
      ? `${prefix}_${number.padStart(22, 'A')}`
      : id.includes('-')
        ? `00000000-0000-4000-8000-${number.padStart(12, '0')}`
        : number.padStart(32, '0');
    // What was put already stays.
    this.#ids.set(id, made).set(made, made);
    return made;
  }
}

function isPending(part: unknown): part is { next_attempt_at: string | null } {
  return (
    typeof part === 'object' &&
    part !== null &&
    'next_attempt_at' in part &&
    'status' in part &&
    part.status === 'pending'
  );
}
