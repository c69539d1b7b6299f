import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/** What each room of `src/` may use, beside itself. Engines and checkpoints know no model; models know no pictures. */
const rooms = {
  base: [],
  tensors: ['base'],
  engines: ['base', 'tensors'],
  checkpoints: ['base', 'tensors'],
  nn: ['base', 'tensors', 'engines'],
  models: ['base', 'tensors', 'engines', 'nn', 'checkpoints'],
  images: ['base', 'tensors'],
  colors: ['base', 'images'],
  masks: ['base', 'images', 'colors'],
  annotations: ['base', 'images', 'masks'],
  video: ['base', 'images'],
  tasks: [
    'base',
    'tensors',
    'checkpoints',
    'models',
    'images',
    'colors',
    'masks',
    'annotations',
    'video',
  ],
  evaluation: ['base', 'images', 'colors', 'masks', 'video', 'tasks'],
  // Adapters serve the ports of every room; nobody imports them but the `imports` map of package.json.
  adapters: ['base', 'engines', 'checkpoints', 'images', 'video'],
  // Apps use what the package exports, and nothing else but its version.
  apps: ['entries'],
};
const portOf = {
  '#image-codec': 'src/images/image-codec.ts',
  '#file-store': 'src/checkpoints/file-store.ts',
  '#frame-store': 'src/video/frame-store.ts',
  '#tfjs-provider': 'src/engines/tfjs/provider.ts',
};
const ports = Object.keys(portOf);
const all = [...Object.keys(rooms), 'entries'];

/** Imports that a room may not have: those of other rooms, and adapters by their `#` names but in the port itself. */
const boundary = (room, allowed, files = `src/${room}/**/*.ts`, more = []) => ({
  files: [files],
  ignores: [...Object.values(portOf), 'src/engines/wasm/assembly/**'],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        paths: ports.map((name) => ({ name, message: `Import it from ${portOf[name]}.` })),
        patterns: [
          {
            regex: `^(?:\\.\\./)+(?:${all.filter((each) => each !== room && !allowed.includes(each)).join('|')})(?:/(?!version$)|$)`,
            message: `${room}/ may use ${['itself', ...allowed].join(', ')} alone; see docs/architecture.md.`,
          },
          ...more,
        ],
      },
    ],
  },
});

export default tseslint.config(
  {
    ignores: [
      'dist/',
      'docs/api/',
      'node_modules/',
      'out/',
      'training/',
      'src/engines/wasm/assembly/',
      'src/engines/wasm/kernels-*.generated.ts',
    ],
  },
  js.configs.recommended,
  ...tseslint.configs.recommended,
  {
    files: ['src/**/*.ts', 'test/**/*.ts', 'bench/**/*.ts'],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unnecessary-type-assertion': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_' },
      ],
    },
  },
  {
    files: ['**/*.mjs'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        Buffer: 'readonly',
        URL: 'readonly',
        performance: 'readonly',
        AbortController: 'readonly',
        fetch: 'readonly',
        setTimeout: 'readonly',
      },
    },
  },
  ...Object.entries(rooms).map(([room, allowed]) => boundary(room, allowed)),
  boundary('models', rooms.models, 'src/models/*/**/*.ts', [
    {
      regex:
        '^\\.\\./(?!\\.\\./|(?:parameter-table|parameter-specs|weight-reader|stored-rows|family|config-limits)$)',
      message: 'Models do not import one another.',
    },
  ]),
);
