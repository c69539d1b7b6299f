/** Node's platform. The browser build resolves this module to `./browser` (see tsup.config.ts). */
export { platform } from './node/platform';
