/** Of the package; test/unit/user-agent.test.ts holds it to that. */
export const VERSION = '0.1.0';
