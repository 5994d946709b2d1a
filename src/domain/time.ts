/** Milliseconds since the epoch → ISO 8601 with `Z`. */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}
