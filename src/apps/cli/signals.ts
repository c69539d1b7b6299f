/** Exit codes of a process that a signal ended: 128 and the signal's number, as shells have it. */
const CODES = { SIGINT: 130, SIGTERM: 143 } as const;
/** Milliseconds in which work may come to an orderly end; whatever is stuck then is left. */
const PATIENCE = 1500;

/**
 * Ends the command by SIGINT and SIGTERM: the work is aborted, what was finished is written, and the exit code tells the
 * signal. What does not end by itself is ended, as is everything by a second signal.
 */
export class Signals {
  private received: number | undefined;

  constructor(abort: AbortController) {
    for (const [name, code] of Object.entries(CODES))
      process.on(name, () => {
        if (this.received !== undefined) process.exit(code);
        this.received = code;
        abort.abort(new Error('interrupted'));
        setTimeout(() => process.exit(code), PATIENCE);
      });
  }

  /** The exit code, once a signal came. */
  get exitCode(): number | undefined {
    return this.received;
  }
}
