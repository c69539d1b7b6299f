import { SegGptError } from './seggpt-error';

/** An argument is wrong. The message names the argument and the fix; no work has been done. */
export class InvalidInputError extends SegGptError {
  override name = 'InvalidInputError';
  /** Path of the argument, e.g. `'prompts[1].mask'`. */
  readonly argument: string;

  constructor(argument: string, message: string, options?: ErrorOptions) {
    super('INVALID_INPUT', `${argument}: ${message}`, options);
    this.argument = argument;
  }
}
