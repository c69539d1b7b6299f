import { version as packageVersion } from '../../package.json';

/** This package's version. */
export const version: string = packageVersion;
