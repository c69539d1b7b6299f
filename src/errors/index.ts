export { SegGptError } from './seggpt-error';
export { InvalidInputError } from './invalid-input-error';
export { ImageError } from './image-error';
export { CheckpointError } from './checkpoint-error';
export { DownloadError } from './download-error';
export { BackendError } from './backend-error';
export { VideoError } from './video-error';
export { DisposedError } from './disposed-error';
export { AbortedError, throwIfAborted, unlessAborted } from './aborted-error';
