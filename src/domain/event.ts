/** A chat to be recorded; times in milliseconds since the epoch, JSON texts where the content is open. */
export interface NewEvent {
  eventId: string;
  /** The answer's `mistral-correlation-id`. */
  correlationId: string;
  /** The `id` of the chat completion; null when none came. */
  completionId: string | null;
  createdAt: number;
  modelName: string;
  /** Null where the upstream told nothing. */
  inputTokens: number | null;
  outputTokens: number | null;
  /** Seconds from request to the end of the answer. */
  totalTimeElapsed: number | null;
  lastUserMessage: string | null;
  responseText: string | null;
  firstSystemMessage: string | null;
  apiAgentId: string | null;
  /** Names of the tools that the model called. */
  invokedTools: string[];
  /** A JSON object. */
  metadata: string;
  streamed: boolean;
  nbMessages: number;
  /** JSON lists, as an event's own page shows them. */
  requestMessages: string;
  responseMessages: string;
  enabledTools: string;
  isSample: boolean;
}
