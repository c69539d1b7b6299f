import { SegGptError } from './seggpt-error';

/** A file could not be fetched, or what came is not what was promised. */
export class DownloadError extends SegGptError {
  override name = 'DownloadError';

  constructor(message: string, options?: ErrorOptions) {
    super('DOWNLOAD', message, options);
  }
}
