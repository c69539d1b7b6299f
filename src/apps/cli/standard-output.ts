/**
 * What becomes of output that nobody reads. A reader that leaves early (`| head -1`) is no failure: the work goes on, files
 * are written, and the exit code tells how that went; only what would be printed is dropped. Output that cannot be
 * written for any other reason (a full disk) is one, and is told at the end.
 */
export class StandardOutput {
  private failure: Error | undefined;

  constructor() {
    process.stderr.on('error', () => undefined); // there is nowhere left to tell it
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      // After a broken pipe Node refuses further writes as those to a stream that is gone.
      if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') this.failure ??= error;
    });
  }

  /** Waits for what was written. @returns why it could not be, if it could not. */
  async flushed(): Promise<Error | undefined> {
    await new Promise((resolve) => process.stdout.write('', resolve));
    await new Promise(setImmediate); // errors are told a turn later
    return this.failure;
  }
}
