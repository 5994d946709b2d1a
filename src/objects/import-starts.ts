import { findStarted } from '../domain/adoption.ts';
import type { Observation } from '../domain/import-advance.ts';
import { partsOfIds, type ImportPart } from '../domain/import-parts.ts';
import type { StartStep } from '../domain/import-steps.ts';
import type { ImportState } from '../domain/import.ts';
import { isForGood, type RawAnswer, type UpstreamFailure } from '../mistral/answer.ts';
import type { ImportsClient } from '../mistral/imports.ts';
import type { DatasetStarts } from './dataset-starts.ts';

/** Waited so long for the dataset's turn; then others get to work before it is asked for again. */
const TURN_WAIT_MS = 5000;

/** What a step of starting came to, for the import to take in. */
export interface StepOutcome {
  observation: Observation;
  retryAfterMs?: number | null;
  /** The start calls that a search has brought. */
  parts?: ImportPart[];
  /** The upstream's answer to a start that it took. */
  answer?: RawAnswer;
  /** Set with `start_refused`, and wherever a relayed start was answered with a failure. */
  failure?: UpstreamFailure;
}

/** What a step needs beside the state. */
export interface StepInput {
  /** Further headers of the client's own request. */
  headers: Readonly<Record<string, string>>;
  /** The body of a start call. */
  bodyOf: (position: number) => string;
  /** To be called when the turn is ours, just before the call: stores the intent; false when the import has ended. */
  sending: (position: number) => boolean;
}

/** Executes the steps that start the tasks of one import; what they mean is decided in `domain/`. */
export class ImportStarts {
  readonly #upstream: ImportsClient;
  readonly #turns: DurableObjectStub<DatasetStarts>;

  constructor(upstream: ImportsClient, env: Env, state: ImportState) {
    this.#upstream = upstream;
    this.#turns = env.DATASET_STARTS.getByName(state.datasetId);
  }

  /** Takes a step. */
  take(
    state: ImportState,
    step: Exclude<StartStep, { kind: 'end_turn' }>,
    input: StepInput,
  ): Promise<StepOutcome> {
    switch (step.kind) {
      case 'search':
        return this.#search(step.filters);
      case 'send':
        return this.#send(state, step.position, input);
      case 'look':
        return this.#look(state);
    }
  }

  /** Looks for the events of a `where`. */
  async #search(filters: unknown): Promise<StepOutcome> {
    const found = await this.#upstream.searchIds(filters);
    if (!found.ok) return hindered(found.failure);
    const parts = partsOfIds('explorer', found.value);
    const weights = parts.map(({ weight }) => weight);
    return { observation: { kind: 'searched', weights }, parts };
  }

  /** Waits for the turn and sends the start of a task. */
  async #send(
    state: ImportState,
    position: number,
    { headers, bodyOf, sending }: StepInput,
  ): Promise<StepOutcome> {
    const body = bodyOf(position);
    if (!(await this.#turns.takeTurn(state.id, TURN_WAIT_MS))) {
      return { observation: { kind: 'start_waiting' } };
    }
    if (!sending(position)) {
      await this.#turns.endTurn(state.id, null);
      return { observation: { kind: 'start_hindered' } };
    }
    const sent = await this.#upstream.startImport(state.startPath, body, headers);
    if (sent.ok) {
      const { task, answer } = sent.value;
      return { observation: { kind: 'started', position, task }, answer };
    }
    const { failure } = sent;
    const { status, retryAfterMs } = failure;
    if (status === 429) return { observation: { kind: 'start_deferred' }, retryAfterMs, failure };
    if (isForGood(failure)) {
      return { observation: { kind: 'start_refused', message: failure.message }, failure };
    }
    const isAnswered = status !== null && !isOfGateway(status);
    return { observation: { kind: 'start_unknown', isAnswered }, retryAfterMs, failure };
  }

  /** Looks for the task of the open start in the dataset's list. */
  async #look(state: ImportState): Promise<StepOutcome> {
    const { openStart } = state;
    if (openStart === null) return { observation: { kind: 'start_absent' } };
    if (!(await this.#turns.takeTurn(state.id, TURN_WAIT_MS))) {
      return { observation: { kind: 'start_waiting' } };
    }
    const listed = await this.#upstream.listTasks(state.datasetId, () => false);
    if (!listed.ok) {
      const { status, retryAfterMs, message } = listed.failure;
      if (status === 404) return { observation: { kind: 'start_missing', message } };
      if (status === 401 || status === 403) return { observation: { kind: 'denied', status } };
      return { observation: { kind: 'start_hindered' }, retryAfterMs };
    }
    const { tasks, isWhole } = listed.value;
    if (!isWhole) {
      const message =
        'Whether the upstream started the import cannot be told: the task list of the dataset is too long or not in order.';
      return { observation: { kind: 'start_untellable', message } };
    }
    const claimed = new Set(await this.#turns.claimed(tasks.map(({ id }) => id)));
    const finding = findStarted(tasks, openStart, claimed);
    switch (finding.kind) {
      case 'found':
        return {
          observation: { kind: 'started', position: openStart.position, task: finding.task },
        };
      case 'absent':
        return { observation: { kind: 'start_absent' } };
      case 'untellable':
        return { observation: { kind: 'start_untellable', message: finding.message } };
    }
  }

  /** Gives the turn on, and claims the task that it brought. */
  async endTurn(importId: string, taskId: string | null): Promise<void> {
    await this.#turns.endTurn(importId, taskId);
  }
}

/**
 * Whether a status is a gateway's own word for something that may still be at work behind it. From 520 on they are
 * Cloudflare's: its edge stands between a Worker and every host, and answers so where a local workerd throws.
 */
function isOfGateway(status: number): boolean {
  return status === 502 || status === 504 || status >= 520;
}

function hindered(failure: UpstreamFailure): StepOutcome {
  if (isForGood(failure)) {
    return { observation: { kind: 'start_refused', message: failure.message }, failure };
  }
  return { observation: { kind: 'start_hindered' }, retryAfterMs: failure.retryAfterMs };
}
