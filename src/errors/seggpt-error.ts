/** Base class of every error this package throws on purpose. `code` is stable; messages are not. */
export class SegGptError extends Error {
  override name = 'SegGptError';
  /** Machine-readable kind, e.g. `'INVALID_INPUT'`. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
