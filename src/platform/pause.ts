/** Waits. @param ms milliseconds, below 2³¹ */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
