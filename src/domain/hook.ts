import type { Callback } from './import.ts';
import type { JsonObject } from './json.ts';
import { iso } from './time.ts';

/** How the calls of a hook prove where they come from. */
export const VERIFICATIONS = ['standard-webhooks', 'github', 'bearer'] as const;
export type Verification = (typeof VERIFICATIONS)[number];

/** Pointers into the import, each with a pointer into the incoming JSON whose value it takes. */
export type HookMap = Readonly<Record<string, string>>;

/** A hook without its secrets; times in milliseconds since the epoch. */
export interface HookDefinition {
  id: string;
  clientId: string;
  name: string;
  datasetId: string;
  /** The import as far as it is the same for every call. */
  template: JsonObject;
  map: HookMap;
  verify: Verification;
  /** Of imports that bring no callback of their own. */
  callback: Callback | null;
  createdAt: number;
  updatedAt: number;
}

/** What can be changed of a hook. */
export type HookChanges = Partial<
  Pick<HookDefinition, 'name' | 'datasetId' | 'template' | 'map' | 'callback'>
>;

/** What came of a call. */
export type HookOutcome =
  | 'accepted'
  | 'replayed'
  | 'ping'
  | 'unauthorized'
  | 'stale'
  | 'forbidden'
  | 'rate_limited'
  | 'too_large'
  | 'invalid_json'
  | 'not_found_in_body'
  | 'invalid_import'
  | 'upstream_refused'
  | 'failed';

/** A call as the log keeps it; `at` in milliseconds since the epoch. */
export interface HookCall {
  at: number;
  outcome: HookOutcome;
  /** The HTTP status that it was answered with. */
  status: number;
  /** What a refused call was told. */
  message: string | null;
  importId: string | null;
  webhookId: string | null;
}

/** A hook as its client sees it. @param origin scheme, host and port at which the client reached Windsock */
export function hookView(hook: HookDefinition, origin: string) {
  return {
    id: hook.id,
    object: 'hook',
    url: `${origin}/hooks/${hook.id}`,
    name: hook.name,
    dataset_id: hook.datasetId,
    import: hook.template,
    map: hook.map,
    verify: hook.verify,
    callback: hook.callback,
    created_at: iso(hook.createdAt),
    updated_at: iso(hook.updatedAt),
  };
}

/** A call as its hook's client sees it. */
export function callView(call: HookCall) {
  const { at, outcome, status, message, importId, webhookId } = call;
  return {
    at: iso(at),
    outcome,
    status,
    message,
    import_id: importId,
    webhook_id: webhookId,
  };
}
