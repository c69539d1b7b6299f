/** Every error this package throws on purpose, from one base. */

/** Machine-readable kinds of errors. Stable; messages are not. */
export type ErrorCode =
  | 'INVALID_INPUT'
  | 'IMAGE'
  | 'CHECKPOINT'
  | 'DOWNLOAD'
  | 'BACKEND'
  | 'VIDEO'
  | 'DISPOSED'
  | 'ABORTED'
  | 'OUTPUT'
  | 'INTERNAL';

/** Base class of every error this package throws on purpose. Tell them apart by class or by `code`. */
export class SegGptError extends Error {
  /** Name of the class. */
  override name = 'SegGptError';

  constructor(
    /** Machine-readable kind; stable, as messages are not. */
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** An argument is wrong. The message names the argument and the fix; no work has been done. */
export class InvalidInputError extends SegGptError {
  /** `'InvalidInputError'`. */
  override name = 'InvalidInputError';

  constructor(
    /** Path of the argument, e.g. `'prompts[1].mask'`. */
    readonly argument: string,
    /** What is wrong with it and what to do, without its name: the message is `argument: detail`. */
    readonly detail: string,
    options?: ErrorOptions,
  ) {
    super('INVALID_INPUT', `${argument}: ${detail}`, options);
  }
}

/** An image could not be read, or is of a kind that is refused (truncated, empty, too large, …). */
export class ImageError extends SegGptError {
  /** `'ImageError'`. */
  override name = 'ImageError';

  constructor(message: string, options?: ErrorOptions) {
    super('IMAGE', message, options);
  }
}

/** A checkpoint is unreadable, damaged, or does not fit the model it is to fill. */
export class CheckpointError extends SegGptError {
  /** `'CheckpointError'`. */
  override name = 'CheckpointError';

  constructor(message: string, options?: ErrorOptions) {
    super('CHECKPOINT', message, options);
  }
}

/** A file could not be fetched, or what came is not what was promised. */
export class DownloadError extends SegGptError {
  /** `'DownloadError'`. */
  override name = 'DownloadError';

  constructor(message: string, options?: ErrorOptions) {
    super('DOWNLOAD', message, options);
  }
}

/** A backend is not available here, or failed while it ran. */
export class BackendError extends SegGptError {
  /** `'BackendError'`. */
  override name = 'BackendError';

  constructor(message: string, options?: ErrorOptions) {
    super('BACKEND', message, options);
  }
}

/**
 * An engine lost what it computes with: a worker ended, or the graphics device is gone. Nothing more can be computed with its
 * model; one that is loaded anew works. `segmentInContext` does that once by itself.
 */
export class EngineLostError extends BackendError {
  /** `'EngineLostError'`. */
  override name = 'EngineLostError';
}

/** A video could not be read or written; the message holds what the decoder said. */
export class VideoError extends SegGptError {
  /** `'VideoError'`. */
  override name = 'VideoError';

  constructor(message: string, options?: ErrorOptions) {
    super('VIDEO', message, options);
  }
}

/** A result could not be written: the disk is full, say, or the directory is not writable. Nothing is left half-written. */
export class OutputError extends SegGptError {
  /** `'OutputError'`. */
  override name = 'OutputError';

  /**
   * @param path of the file.
   * @param cause what the system said.
   * @param remedy what to do, as the end of a sentence.
   */
  constructor(path: string, cause: Error, remedy = 'make room, or choose another path') {
    super('OUTPUT', `Cannot write "${path}" (${cause.message}); ${remedy}.`, { cause });
  }
}

/** Something was used after its `dispose()`. */
export class DisposedError extends SegGptError {
  /** `'DisposedError'`. */
  override name = 'DisposedError';

  constructor(message: string, options?: ErrorOptions) {
    super('DISPOSED', message, options);
  }
}

/** A fault of this package: its cause is an error that should have been prevented. Please report it. */
export class InternalError extends SegGptError {
  /** `'InternalError'`. */
  override name = 'InternalError';

  constructor(message: string, options?: ErrorOptions) {
    super(
      'INTERNAL',
      `A fault in seggpt (${message}). Please report it, with the cause's stack and what was asked for.`,
      options,
    );
  }
}

/**
 * The caller's `AbortSignal` fired. `name` is `'AbortError'`, as the platform's own APIs have it, and
 * `cause` is the signal's reason.
 */
export class AbortedError extends SegGptError {
  /** `'AbortError'`, as the platform's own APIs have it. */
  override name = 'AbortError';

  constructor(signal: AbortSignal) {
    super('ABORTED', 'The operation was aborted by its signal.', { cause: signal.reason });
  }
}
