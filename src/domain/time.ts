/** Milliseconds since the epoch → ISO 8601 with `Z`. */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** The same, where there may be no time. */
export function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : iso(ms);
}
