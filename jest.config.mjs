/** Tests run from source: swc strips the types, `npm run typecheck` checks them. */
export default {
  testEnvironment: 'node',
  globalSetup: './test/helpers/find-backends.mjs',
  setupFilesAfterEnv: ['./test/helpers/seed.ts'],
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  transform: {
    '^.+\\.[mc]?tsx?$': [
      '@swc/jest',
      {
        jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
        module: { type: 'commonjs', ignoreDynamic: true },
      },
    ],
  },
  testTimeout: 60_000,
  maxWorkers: 2,
};
