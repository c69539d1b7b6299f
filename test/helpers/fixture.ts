import { join } from 'node:path';

/** Path of a file in test/fixtures. */
export const fixture = (name: string): string => join(process.cwd(), 'test/fixtures', name);
